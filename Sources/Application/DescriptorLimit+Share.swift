import AdminHTTP
import Logging
import Platform
import RPCServer
import WorkerProcess

/// Divides the descriptors among workers, listeners and connections.
extension DescriptorLimit {
    /// Descriptors besides those of connections, workers and listeners: logs, a running command, and some spare ones.
    private static let reserve = 64
    /// Descriptors of a worker while it starts: both ends of its pipes, and the watch of its process.
    private static let perWorker = 10

    /// Raises the soft limit to the hard limit, and logs a failure to do so.
    ///
    /// - Returns: The limit in force.
    static func raise(_ logger: Logger) -> Int {
        let (limit, fault) = self.raise()
        switch fault {
        case .isUnreadable(let error):
            logger.warning("cannot read the limit of open descriptors", metadata: ["errno": "\(error)"])
        case .cannotBeRaised(let error):
            logger.warning("cannot raise the limit of open descriptors", metadata: ["errno": "\(error)"])
        case nil:
            break
        }
        return limit
    }

    /// Descriptors of an event loop: its epoll, the wake-up, and the timer.
    private static let perLoop = 3
    /// The fewest descriptors of a running worker: three pipes, the input's duplicate, and the watch of its process.
    private static let perRunningWorker = 5
    /// Other descriptors without any connection: input and outputs, signals, timers, one worker that starts.
    private static let least = 24

    /// Rejects a limit that is too low to start.
    ///
    /// - Parameter workers: The permanent workers, without those that the pool may grow by.
    /// - Throws: ``Gateway/Failure`` with the number that would suffice.
    static func check(
        _ limit: Int,
        loops: Int,
        workers: Int,
        listeners: Int,
        hasRPC: Bool = false
    ) throws(Gateway.Failure) {
        let needed =
            self.least + self.perLoop * (loops + 1) + self.perRunningWorker * workers + listeners
            + (hasRPC ? self.perLoop + 1 : 0)
        guard limit < needed else {
            return
        }
        let what = "\(workers) workers, \(listeners) servers and \(loops) event loops"
        throw Gateway.Failure(
            description:
                "the limit of open descriptors is \(limit), but \(what) need \(needed) and each connection one: "
                + "raise it (`ulimit -n 65536`, `LimitNOFILE=` of systemd, `--ulimit nofile=` of Docker)"
        )
    }

    /// The connections that may be open, and the number that each listener accepts in a row.
    struct Share: Hashable {
        var connections: Int
        var batch: Int
    }

    /// The most connections that a listener accepts per batch: checking the limit each time is expensive under a storm
    /// of connects.
    private static let largestBatch = 16

    /// The connections to the relay that may wait to be matched with a worker: at most an eighth of the limit.
    static func relayCallers(of limit: Int) -> Int {
        min(max(limit / 8, RelayListener.leastCallerLimit), RelayListener.largestCallerLimit)
    }

    /// The fewest connections of RPC, however low the limit is.
    private static let fewestRPCConnections = 64

    /// The connections of RPC that may be open: no more than an eighth of the limit.
    static func rpcConnections(of limit: Int, wanted: Int) -> Int {
        min(wanted, max(limit / 8, self.fewestRPCConnections))
    }

    /// Users of descriptors besides clients and workers.
    struct Others: Hashable {
        var loops: Int
        /// Addresses of probes and metrics.
        var adminAddresses = 0
        var hasRelay = false
        /// Connections of RPC that may be open; `nil` without RPC.
        var rpcConnections: Int?
    }

    /// The share of connections that leaves enough for everything else, but is at least a quarter of the limit.
    ///
    /// All listeners may exceed the limit at the same time, each by a batch, so as many descriptors are reserved, too.
    /// If batches would take too many, connections are accepted one by one. Running out of descriptors breaks more than
    /// accepting: libdispatch reads `/proc` once a second under load, and ends the process if it cannot.
    static func share(of limit: Int, workers: Int, listeners: Int, _ others: Others) -> Share {
        let admin = others.adminAddresses * (1 + AdminServer.connectionLimit)
        let relay = others.hasRelay ? 1 + self.relayCallers(of: limit) : 0
        let rpc = others.rpcConnections.map { 1 + self.perLoop + RPCServer.batch + $0 } ?? 0
        let rest =
            limit - self.reserve - self.perLoop * (others.loops + 1) - self.perWorker * workers - admin - relay - rpc
        let plenty = rest - (1 + self.largestBatch) * listeners
        if plenty >= limit / 2 {
            return Share(connections: plenty, batch: self.largestBatch)
        }
        return Share(connections: max(rest - 2 * listeners, limit / 4), batch: 1)
    }
}
