import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where log lines go: standard error, a whole line at once.
public final class LogSink: Sendable {
    private let descriptor: Int32
    private let lock = Mutex(())

    /// - Parameter descriptor: Open for as long as the sink is used.
    public init(descriptor: Int32 = STDERR_FILENO) {
        self.descriptor = descriptor
    }

    /// Writes a line; when it cannot be written there is nobody to tell.
    func write(_ line: String) {
        var line = line
        line += "\n"
        self.lock.withLock { _ in
            line.withUTF8 { bytes in
                var rest = UnsafeRawBufferPointer(bytes)
                while rest.count > 0 {
                    let count = Glibc.write(self.descriptor, rest.baseAddress, rest.count)
                    if count < 0, errno == EINTR {
                        continue
                    }
                    guard count > 0 else {
                        return
                    }
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                }
            }
        }
    }
}
