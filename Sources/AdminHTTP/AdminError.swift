import Addresses
import Sockets

/// An address of probes or metrics that cannot be listened on.
package struct AdminError: Error, Sendable, CustomStringConvertible {
    package var address: ListenAddress
    /// The key that the address is of.
    package var key: String
    /// Why, in one line.
    package var reason: String

    package var description: String {
        "cannot listen on \(self.address) (\(self.key)): \(self.reason)"
    }
}
