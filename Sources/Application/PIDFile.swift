#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The file that `rr serve -p` writes the process id to, for `rr stop`.
public struct PIDFile: Sendable {
    /// As RoadRunner names it, in the working directory.
    public static let name = ".pid"

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    private let path: String

    /// Writes the file; one that a process left behind is replaced.
    ///
    /// - Throws: ``Failure`` when it names a process that is alive, or cannot be written.
    public init(path: String = PIDFile.name) throws {
        self.path = path
        if let other = Self.read(path), other != getpid(), Self.isAlike(other) {
            throw Failure(description: "the pid file \(path) names process \(other): rr is running already")
        }
        guard let file = fopen(path, "w") else {
            throw Failure(description: "cannot write the pid file \(path): \(String(cString: strerror(errno)))")
        }
        fputs("\(getpid())\n", file)
        fclose(file)
    }

    /// Removes the file, unless it is another's meanwhile.
    public func remove() {
        if Self.read(self.path) == getpid() {
            unlink(self.path)
        }
    }

    /// Whether a process runs the same program: a file that was left behind may name a process that has nothing to do
    /// with us.
    private static func isAlike(_ other: pid_t) -> Bool {
        func name(_ process: String) -> String? {
            guard let file = fopen("/proc/\(process)/comm", "r") else {
                return nil
            }
            defer { fclose(file) }
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
                fgets(buffer.baseAddress, 64, file).map { String(cString: $0) }
            }
        }
        return name("self") != nil && name("self") == name("\(other)")
    }

    private static func read(_ path: String) -> pid_t? {
        guard let file = fopen(path, "r") else {
            return nil
        }
        defer { fclose(file) }
        var pid: pid_t = 0
        return withUnsafeMutablePointer(to: &pid) { pointer in
            withVaList([pointer]) { vfscanf(file, "%d", $0) }
        } == 1 ? pid : nil
    }
}
