import Glibc
import NIOCore

extension IOError {
    /// The reason why a socket cannot listen, in one line for people.
    package var listenFailure: String {
        let text = String(cString: strerror(self.errnoCode))
        let hint = "another process listens there, or another server of this one"
        return self.errnoCode == EADDRINUSE ? "\(text); \(hint)" : text
    }
}
