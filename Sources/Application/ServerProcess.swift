import Glibc

/// A process as `/proc` shows it.
struct ServerProcess: Equatable {
    let pid: pid_t
    /// In clock ticks since the machine was started: the same id with another start is another process.
    let start: UInt64
    /// The name of the program.
    let name: String

    /// - Returns: `nil` when there is no such process, or it has ended and only waits to be reaped.
    init?(_ pid: pid_t) {
        // `pid (name) state …`: the name may hold anything, so its last parenthesis counts.
        guard let text = Self.read("/proc/\(pid)/stat"), let open = text.firstIndex(of: "("),
            let close = text.lastIndex(of: ")"), open < close
        else {
            return nil
        }
        let fields = text[close...].split(separator: " ").dropFirst()
        guard let state = fields.first, state != "Z", state != "X", let start = fields.dropFirst(19).first,
            let ticks = UInt64(start)
        else {
            return nil
        }
        self.pid = pid
        self.start = ticks
        self.name = String(text[text.index(after: open)..<close])
    }

    /// Whether the process is there still.
    var isAlive: Bool {
        ServerProcess(self.pid) == self
    }

    /// Whether it runs this program, and is not ourselves.
    var isServer: Bool {
        self.pid != getpid() && self.name == ServerProcess(getpid())?.name
    }

    /// Whether it runs this program, in this directory: an id in a file that was left behind may be anybody's by now.
    func serves(in directory: String) -> Bool {
        guard self.isServer else {
            return false
        }
        var (own, other) = (stat(), stat())
        return stat(directory, &own) == 0 && stat("/proc/\(self.pid)/cwd", &other) == 0
            && own.st_dev == other.st_dev && own.st_ino == other.st_ino
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "re") else {
            return nil
        }
        defer { fclose(file) }
        return withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer in
            let count = fread(buffer.baseAddress, 1, buffer.count, file)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
    }
}
