import Addresses

extension SettingsReader {
    func rpc(from reader: inout SectionReader) throws(ConfigurationError) -> RPCSettings {
        guard let (scalar, place) = try reader.nonEmptyScalar("listen") else {
            reader.note("listen", .text(RPCSettings.defaultListen), from: nil)
            return RPCSettings()
        }
        let text = SectionReader.trimmed(scalar.text)
        do throws(ListenAddress.Fault) {
            _ = try ListenAddress(parsingWithScheme: text)
        } catch {
            throw place.error(
                .invalidValue, error.message, key: reader.path("listen"), fix: "use tcp://host:port or unix://path")
        }
        reader.note("listen", .text(text), from: place)
        return RPCSettings(listen: text)
    }

    func status(from reader: inout SectionReader) throws(ConfigurationError) -> StatusSettings {
        guard let address = try reader.address("address") else {
            let place = reader.source["address"]?.keyPlace ?? reader.place
            throw place.error(
                .missingValue,
                "the section `status` needs an address",
                key: reader.path("address"),
                fix: "add `address: 127.0.0.1:2114`, or remove the section"
            )
        }
        return StatusSettings(
            address: address,
            unavailableStatusCode: try statusCode(from: &reader),
            checkTimeout: try reader.duration(
                "check_timeout",
                default: .seconds(60),
                .zeroIsDefault,
                wholeNumbersAre: .seconds(1)
            ),
            unavailableAfter: try reader.duration("unavailable_after", default: .zero, .zeroAllowed)
        )
    }

    /// Zero stands for the default, as in RoadRunner.
    private func statusCode(from reader: inout SectionReader) throws(ConfigurationError) -> Int {
        let key = "unavailable_status_code"
        guard let (number, place) = try reader.integer(key), number != 0 else {
            reader.note(key, .integer(503), from: nil)
            return 503
        }
        // Any other status would tell a probe that all is well, or send it elsewhere.
        try reader.check(number, in: 400...599, key: key, at: place)
        reader.note(key, .integer(number), from: place)
        return number
    }

    func metrics(from reader: inout SectionReader) throws(ConfigurationError) -> MetricsSettings {
        if let address = try reader.address("address") { return MetricsSettings(address: address) }
        reader.note("address", .text(MetricsSettings.defaultAddress.description), from: nil)
        return MetricsSettings()
    }

    func endure(from reader: inout SectionReader) throws(ConfigurationError) -> EndureSettings {
        let settings = EndureSettings(
            gracePeriod: try reader.duration("grace_period", default: .seconds(30), .zeroIsOddDefault),
            drainDelay: try reader.duration("drain_delay", default: .zero, .zeroAllowed),
            drainIdle: try reader.duration("drain_idle", default: .seconds(2), .zeroAllowed),
            logLevel: try reader.choice("log_level", aliases: Self.levelAliases)
        )
        guard settings.drainDelay == .zero || settings.drainDelay < settings.gracePeriod else {
            let place = reader.source["drain_delay"]?.value.place ?? reader.place
            throw place.error(
                .invalidValue,
                "the delay must be shorter than the grace period, which it is a part of",
                key: reader.path("drain_delay"),
                fix: "make it shorter, or `endure.grace_period` longer"
            )
        }
        return settings
    }

    static let levelAliases: [String: LogLevel] = ["warning": .warn, "dpanic": .panic]
}
