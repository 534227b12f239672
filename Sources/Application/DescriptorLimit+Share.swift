import AdminHTTP
import Logging
import Platform
import WorkerProcess

/// How the descriptors are shared out between workers, listeners and connections.
extension DescriptorLimit {
    /// What is not a connection's, a worker's or a listener's: logs, a command that is run, and some to spare.
    private static let reserve = 64
    /// What a worker takes while it is started: its pipes, both ends, and what watches its process.
    private static let perWorker = 10

    /// Raises the soft limit to the hard limit, and logs when that cannot be done.
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

    /// What an event loop takes: what it waits with, what wakes it, and its clock.
    private static let perLoop = 3
    /// What a worker takes while it lives, at the least: three pipes, the input's duplicate, and what watches its process.
    private static let perRunningWorker = 5
    /// What else is open when nobody is connected: input and outputs, signals, timers, one worker that is started.
    private static let least = 24

    /// Makes sure that what is to be started can be.
    ///
    /// - Parameter workers: Those that are kept, without what the pool may grow by.
    /// - Throws: ``Gateway/Failure``, which says how many are needed.
    static func check(_ limit: Int, loops: Int, workers: Int, listeners: Int) throws(Gateway.Failure) {
        let needed =
            self.least + self.perLoop * (loops + 1) + self.perRunningWorker * workers + listeners
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

    /// How many connections may be open, and how many each listener accepts in a row.
    struct Share: Hashable {
        var connections: Int
        var batch: Int
    }

    /// The most that a listener accepts in a row: a look at the limit each time costs under a storm of connects.
    private static let largestBatch = 16

    /// Connections to the relay that may wait to be known as a worker's: not more than an eighth of the limit.
    static func relayCallers(of limit: Int) -> Int {
        min(max(limit / 8, RelayListener.leastCallerLimit), RelayListener.largestCallerLimit)
    }

    /// What else than clients and workers there is.
    struct Others: Hashable {
        var loops: Int
        /// Addresses of probes and metrics.
        var adminAddresses = 0
        var hasRelay = false
    }

    /// What leaves enough for so many workers and listeners, and for what else there is, but a quarter of the limit at
    /// least.
    ///
    /// All listeners may pass the limit at the same time, each by a batch: that many descriptors are kept, too. Where it
    /// would be too many, connections are accepted one by one. Without a descriptor left not only accepting fails:
    /// libdispatch looks into `/proc` once a second when it has much to do, and ends the process when it cannot.
    static func share(of limit: Int, workers: Int, listeners: Int, _ others: Others) -> Share {
        let admin = others.adminAddresses * (1 + AdminServer.connectionLimit)
        let relay = others.hasRelay ? 1 + self.relayCallers(of: limit) : 0
        let rest =
            limit - self.reserve - self.perLoop * (others.loops + 1) - self.perWorker * workers - admin - relay
        let plenty = rest - (1 + self.largestBatch) * listeners
        if plenty >= limit / 2 {
            return Share(connections: plenty, batch: self.largestBatch)
        }
        return Share(connections: max(rest - 2 * listeners, limit / 4), batch: 1)
    }
}
