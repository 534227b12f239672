import Glibc
import SystemPackage

/// The pipe of a worker's standard input, used to take back what the worker has not read.
///
/// It holds a separate write end, to which nothing is ever written: the channel closes its own when the worker has
/// ended, and the pipe would be gone with its unread bytes. While the separate end is open, the worker sees no end of
/// its input. Confined to the event loop of the relay.
final class UnreadInput: @unchecked Sendable {
    private var descriptor: CInt

    /// - Throws: `Errno` when no descriptor is left.
    init(writeEnd: Descriptor) throws {
        self.descriptor = fcntl(writeEnd.rawValue, F_DUPFD_CLOEXEC, 0)
        guard self.descriptor >= 0 else {
            throw Errno(rawValue: errno)
        }
    }

    deinit {
        self.close()
    }

    func close() {
        if self.descriptor >= 0 {
            Glibc.close(self.descriptor)
            self.descriptor = -1
        }
    }

    /// Whether the worker has read all that was written.
    var isRead: Bool {
        var unread: CInt = 0
        return self.descriptor < 0 || ioctl(self.descriptor, UInt(FIONREAD), &unread) != 0 || unread == 0
    }

    /// Takes the unread bytes out of the pipe, so that no process can read them any more.
    ///
    /// - Returns: Their number; 0 if they cannot be taken.
    func takeBack() -> Int {
        guard self.descriptor >= 0 else {
            return 0
        }
        // The other end of the same pipe. It is not held all the time: while it is, a write to a pipe whose worker has
        // closed its input does not fail.
        let reader = open("/proc/self/fd/\(self.descriptor)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard reader >= 0 else {
            return 0
        }
        defer { Glibc.close(reader) }
        return withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 1) { buffer in
            var total = 0
            while case let count = read(reader, buffer.baseAddress, buffer.count), count > 0 {
                total += count
            }
            return total
        }
    }
}
