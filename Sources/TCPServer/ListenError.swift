import Addresses
import NIOCore
import Sockets

/// A server that could not listen.
package struct ListenError: Error, Sendable, CustomStringConvertible {
    /// The server's name.
    package var server: String
    package var address: ListenAddress
    /// The cause, in one line.
    package var reason: String

    init(server: String, address: ListenAddress, reason: String) {
        self.server = server
        self.address = address
        self.reason = reason
    }

    init(_ configuration: ListenerConfiguration, _ error: any Error) {
        let reason = (error as? IOError)?.listenFailure ?? "\(error)"
        self.init(server: configuration.server, address: configuration.address, reason: reason)
    }

    package var description: String {
        "cannot listen on \(self.address) (tcp.servers.\(self.server).addr): \(self.reason)"
    }
}
