import Addresses
import NIOCore
import NIOSSL

/// Where the servers are and how they are spoken to.
package struct RedisConfiguration: Sendable {
    package enum Topology: Sendable, Hashable {
        case single(ListenAddress)
        /// The master of that name, as one of the sentinels tells it.
        case sentinel(master: String, sentinels: [ListenAddress])
        /// The masters of a cluster, as one of these nodes tells them.
        case cluster([ListenAddress])
    }

    package var topology: Topology
    /// For servers.
    package var login = RedisLogin()
    /// For sentinels.
    package var sentinelLogin = RedisLogin()
    package var tls: NIOSSLContext?
    /// The most that a call waits for a connection, which has to be made, encrypted and logged in within it.
    package var dialTimeout = TimeAmount.seconds(5)
    /// The most between the sending of a command and its reply.
    package var readTimeout = TimeAmount.seconds(3)
    /// The most until the system has taken a command.
    package var writeTimeout = TimeAmount.seconds(3)
    /// How many more times a call is tried.
    package var retries = 3
    /// Before the first of them, and before each attempt to connect after a failure; doubled each time.
    package var firstBackoff = TimeAmount.milliseconds(8)
    package var mostBackoff = TimeAmount.milliseconds(512)
    /// Commands that may wait for a reply, and the bytes that they take.
    package var mostCommands = 65_536
    package var mostBytes = 256 << 20

    package init(_ topology: Topology) {
        self.topology = topology
    }

    /// The pause after so many failures in a row.
    func backoff(after failures: Int) -> TimeAmount {
        let doublings = min(max(failures - 1, 0), 30)
        let (pause, overflow) = self.firstBackoff.nanoseconds.multipliedReportingOverflow(by: 1 << Int64(doublings))
        return min(overflow ? self.mostBackoff : .nanoseconds(pause), self.mostBackoff)
    }
}

/// What a connection says first.
package struct RedisLogin: Sendable, Hashable {
    package var username: String
    /// Empty for none.
    package var password: String
    package var database: Int

    package init(username: String = "", password: String = "", database: Int = 0) {
        self.username = username
        self.password = password
        self.database = database
    }
}
