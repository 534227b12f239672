import Addresses
import Sockets

/// A failure to listen on an address of probes or metrics.
package struct AdminError: Error, Sendable, CustomStringConvertible {
    package var address: ListenAddress
    /// The key of the address.
    package var key: String
    /// The cause, in one line.
    package var reason: String

    package var description: String {
        "cannot listen on \(self.address) (\(self.key)): \(self.reason)"
    }
}
