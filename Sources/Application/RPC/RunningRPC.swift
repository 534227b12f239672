import Addresses
import Configuration
import Glibc

/// Where a command finds the RPC of a running server: exactly as that server does.
package struct RunningRPC: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    package let address: ListenAddress
    /// How long the server may take to replace its workers.
    package let resetTime: Duration

    /// - Returns: `nil` without an `rpc` section.
    package init?(_ loaded: LoadedSettings) {
        guard let address = loaded.settings.rpc?.address else {
            return nil
        }
        self.address = address.reachableFromWorkers(in: loaded.workDirectory)
        self.resetTime = loaded.settings.tcp.pool.resetTimeout + .seconds(5)
    }

    package static func missing(in loaded: LoadedSettings) -> Failure {
        Failure(
            description: "there is no `rpc` section in \(loaded.file): add `rpc: {listen: tcp://127.0.0.1:6001}`"
        )
    }
}
