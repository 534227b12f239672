#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Lines for the user who started the program, as RoadRunner prints them; apart from the log.
public enum Console {
    /// How long a stuck terminal or pipe may hold up who prints.
    private static let patienceMilliseconds: Int32 = 250

    public static func info(_ line: String) {
        self.write("[INFO] \(line)\n", to: STDOUT_FILENO)
    }

    public static func warning(_ line: String) {
        self.write("[WARN] \(line)\n", to: STDERR_FILENO)
    }

    public static func error(_ line: String) {
        self.write("[ERROR] \(line)\n", to: STDERR_FILENO)
    }

    private static func write(_ line: String, to descriptor: Int32) {
        // A pipe that is ready takes a page without blocking.
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, self.patienceMilliseconds) != 0 else {
            return
        }
        var line = line
        line.withUTF8 { bytes in
            // When it cannot be written there is nobody to tell.
            _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
    }
}
