import Addresses

/// `rpc`: its address is only passed on to workers, as `RR_RPC`.
package struct RPCSettings: Sendable, Equatable {
    /// The default of ``listen``.
    package static let defaultListen = "tcp://127.0.0.1:6001"

    /// `rpc.listen`: `tcp://host:port` or `unix://path`, as given. Default `tcp://127.0.0.1:6001`.
    package var listen: String

    package init(listen: String = Self.defaultListen) {
        self.listen = listen
    }
}

/// `status`: the probes (docs/configuration.md).
package struct StatusSettings: Sendable, Equatable {
    /// `status.address`. Required when the section is there.
    package var address: ListenAddress
    /// `status.unavailable_status_code`: 400…599, default 503.
    package var unavailableStatusCode: Int
    /// `status.check_timeout`: seconds in the file (a duration text works too), default 60 s. How long a connection of
    /// a probe may rest.
    package var checkTimeout: Duration
    /// `status.unavailable_after` (ours): how long there may be no worker, and none be startable, before `/health` fails.
    /// Default zero: it never does.
    package var unavailableAfter: Duration

    package init(
        address: ListenAddress,
        unavailableStatusCode: Int = 503,
        checkTimeout: Duration = .seconds(60),
        unavailableAfter: Duration = .zero
    ) {
        self.address = address
        self.unavailableStatusCode = unavailableStatusCode
        self.checkTimeout = checkTimeout
        self.unavailableAfter = unavailableAfter
    }
}

/// `metrics`: the Prometheus endpoint (docs/configuration.md).
package struct MetricsSettings: Sendable, Equatable {
    /// The default of ``address``.
    package static let defaultAddress = ListenAddress.tcp(host: "127.0.0.1", port: 2112)

    /// `metrics.address`: default `127.0.0.1:2112`.
    package var address: ListenAddress

    package init(address: ListenAddress = Self.defaultAddress) {
        self.address = address
    }
}

/// `endure`: how the process ends.
package struct EndureSettings: Sendable, Equatable {
    /// `endure.grace_period`: from the signal to the exit, all of it. Default 30 s, which 0 stands for as well.
    package var gracePeriod: Duration
    /// `endure.drain_delay` (ours): how long listeners stay open after the signal, for load balancers. Default zero.
    package var drainDelay: Duration
    /// `endure.drain_idle` (ours): a connection idle for this long while draining is closed. Default 2 s.
    package var drainIdle: Duration
    /// `endure.log_level`: accepted for RoadRunner's sake; `nil` when absent.
    package var logLevel: LogLevel?

    package init(
        gracePeriod: Duration = .seconds(30),
        drainDelay: Duration = .zero,
        drainIdle: Duration = .seconds(2),
        logLevel: LogLevel? = nil
    ) {
        self.gracePeriod = gracePeriod
        self.drainDelay = drainDelay
        self.drainIdle = drainIdle
        self.logLevel = logLevel
    }
}
