import Foundation

/// The kernel's information about processes: `/proc`.
enum ProcessTable {
    /// The live children of a process; those that have ended and wait to be reaped do not count.
    static func children(of parent: pid_t) -> Set<pid_t> {
        Set(
            self.all.filter { pid in
                guard let fields = self.statistics(of: pid) else {
                    return false
                }
                return fields[1] == "\(parent)" && fields[0] != "Z" && fields[0] != "X"
            }
        )
    }

    /// Children that have ended and that their parent has not reaped.
    static func zombies(of parent: pid_t) -> Set<pid_t> {
        Set(
            self.all.filter { pid in
                self.statistics(of: pid).map { $0[1] == "\(parent)" && $0[0] == "Z" } ?? false
            }
        )
    }

    /// The processes that were started with this in their environment, whoever is their parent now.
    static func marked(_ assignment: String) -> Set<pid_t> {
        let marker = Data(assignment.utf8)
        return Set(
            self.all.filter { pid in
                self.contents("\(pid)/environ")?.range(of: marker) != nil
            }
        )
    }

    static func isAlive(_ pid: pid_t) -> Bool {
        self.statistics(of: pid).map { $0[0] != "Z" && $0[0] != "X" } ?? false
    }

    /// Bytes of resident memory.
    static func residentMemory(of pid: pid_t) throws -> Int {
        guard let text = self.text("\(pid)/statm"), let pages = Int(text.split(separator: " ")[1]) else {
            throw SystemError("no process \(pid)", ESRCH)
        }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// The most bytes of resident memory that there ever were.
    static func mostResidentMemory(of pid: pid_t) throws -> Int {
        let line = self.text("\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        guard let kilobytes = line.flatMap({ Int($0.split(separator: " ").dropLast().last ?? "") }) else {
            throw SystemError("no process \(pid)", ESRCH)
        }
        return kilobytes * 1024
    }

    /// The processor time that a process has used, its own and the kernel's for it.
    static func processorTime(of pid: pid_t) throws -> Duration {
        guard let fields = self.statistics(of: pid), let user = Int(fields[11]), let system = Int(fields[12]) else {
            throw SystemError("no process \(pid)", ESRCH)
        }
        return .milliseconds((user + system) * 1000 / sysconf(Int32(_SC_CLK_TCK)))
    }

    static func descriptorCount(of pid: pid_t) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    /// The path of a process's executable; `nil` if it has ended.
    static func executable(of pid: pid_t) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
    }

    /// The open files of a process, by descriptor.
    static func descriptors(of pid: pid_t) throws -> [Int: String] {
        let directory = "/proc/\(pid)/fd"
        let numbers = try FileManager.default.contentsOfDirectory(atPath: directory).compactMap { Int($0) }
        let targets = numbers.map { number in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\(number)")
            return (number, target ?? "closed meanwhile")
        }
        return Dictionary(uniqueKeysWithValues: targets)
    }

    /// The signals that are blocked (`SigBlk`) or ignored (`SigIgn`), but for those that only the C library knows.
    static func signals(_ mask: String, of pid: pid_t) -> Set<Int32>? {
        let line = self.text("\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("\(mask):") }
        let bits = line.flatMap { UInt64($0.split(separator: "\t")[1], radix: 16) }
        return bits.map { bits in Set((1...31).filter { bits >> (UInt64($0) - 1) & 1 == 1 }) }
    }

    /// The soft limit of open descriptors.
    static func descriptorLimit(of pid: pid_t) -> Int? {
        self.text("\(pid)/limits")?
            .split(separator: "\n")
            .first { $0.hasPrefix("Max open files") }
            .flatMap { Int($0.dropFirst("Max open files".count).split(separator: " ")[0]) }
    }

    private static var all: [pid_t] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    }

    /// The fields of `stat` after the command's name: state, parent, group, …
    private static func statistics(of pid: pid_t) -> [Substring]? {
        guard let text = self.text("\(pid)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        return text[end...].dropFirst().split(separator: " ")
    }

    private static func text(_ path: String) -> String? {
        self.contents(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Read by hand: the files of `/proc` have no size.
    private static func contents(_ path: String) -> Data? {
        let descriptor = open("/proc/\(path)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            return nil
        }
        defer { close(descriptor) }
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else {
                return count == 0 ? data : nil
            }
            data.append(contentsOf: buffer[..<count])
        }
    }
}
