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

    /// Writes the file; one that was left behind is replaced.
    public init(path: String = PIDFile.name) throws {
        self.path = path
        guard let file = fopen(path, "w") else {
            throw Failure(description: "cannot write the pid file \(path): \(String(cString: strerror(errno)))")
        }
        fputs("\(getpid())\n", file)
        fclose(file)
    }

    public func remove() {
        unlink(self.path)
    }
}
