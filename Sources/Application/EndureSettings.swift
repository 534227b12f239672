import Configuration

/// `endure`: how the process ends.
struct EndureSettings: Sendable, Equatable {
    /// The whole time from the signal to the exit.
    var gracePeriod = Duration.seconds(30)
    /// How long listeners stay open after the signal, for load balancers.
    var drainDelay = Duration.zero
    /// A connection idle for this long while draining is closed.
    var drainIdle = Duration.seconds(2)

    static let section = Section(Self()) {
        Key(
            "grace_period", \.gracePeriod, .duration(.zeroIsOddDefault),
            "From SIGTERM to the exit, all of it; what is left then is killed. "
                + "[Its moments](#the-end-of-the-service). 0 means the default, as in RoadRunner, with a warning."
        )
        Key(
            "drain_delay", \.drainDelay, .duration(.zeroAllowed), marks: .ours,
            "How long everything goes on after SIGTERM, but for readiness: so load balancers get to know before "
                + "connects are refused. Shorter than the grace period."
        )
        Key(
            "drain_idle", \.drainIdle, .duration(.zeroAllowed), marks: .ours,
            "How long a connection may rest between two packets while draining, before it is closed."
        )
        Key.withoutEffect(
            "log_level", "`logs.channels.rr.level` is the level of the service's own log",
            checkedAs: ValueKind<LogLevel>.level
        )
        Key.withoutEffect("print_graph", "there is no plugin graph")
        Key.withoutEffect("watchdog_sec", "systemd tells it itself: `WatchdogSec=` of the unit")
    } check: { reader, settings throws(ConfigurationError) in
        guard settings.drainDelay == .zero || settings.drainDelay < settings.gracePeriod else {
            let place = reader.source["drain_delay"]?.value.place ?? reader.place
            throw place.error(
                .invalidValue,
                "the delay must be shorter than the grace period, which it is a part of",
                key: reader.path("drain_delay"),
                fix: "make it shorter, or `endure.grace_period` longer"
            )
        }
    }
}
