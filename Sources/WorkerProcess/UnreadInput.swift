import Glibc
import SystemPackage

/// The pipe of a worker's standard input, used to count its unread bytes.
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

    /// The current number of bytes in the pipe that the worker has not read.
    var count: Int {
        var unread: CInt = 0
        return self.descriptor >= 0 && ioctl(self.descriptor, UInt(FIONREAD), &unread) == 0 ? Int(unread) : 0
    }

    /// Whether no process is left that could read them.
    var isAbandoned: Bool {
        guard self.descriptor >= 0 else {
            return false
        }
        // The write end of a pipe without a reader is in error.
        var state = pollfd(fd: self.descriptor, events: 0, revents: 0)
        return poll(&state, 1, 0) == 1 && state.revents & Int16(POLLERR) != 0
    }
}
