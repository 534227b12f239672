import Addresses

extension SettingsReader {
    func server(from reader: inout SectionReader) throws(ConfigurationError) -> ServerSettings {
        let command = try reader.command("command")
        guard !command.isEmpty else {
            throw commandMissing(reader.source["command"]?.keyPlace ?? reader.place, key: reader.path("command"))
        }
        return ServerSettings(
            command: command,
            user: try reader.text("user"),
            group: try reader.text("group"),
            environment: try reader.variables("env"),
            relay: try relay(from: &reader),
            onInit: try reader.section("on_init") { reader throws(ConfigurationError) in
                try self.onInit(from: &reader)
            }
        )
    }

    private func relay(from reader: inout SectionReader) throws(ConfigurationError) -> Relay {
        guard let text = try reader.text("relay") else {
            reader.note("relay", .text("pipes"), from: nil)
            return .pipes
        }
        guard text != "pipes" else { return .pipes }
        let place = reader.source["relay"]?.value.place ?? reader.place
        func fault(_ message: String) -> ConfigurationError {
            place.error(
                .invalidValue, message, key: reader.path("relay"), fix: "use pipes, tcp://host:port or unix://path")
        }
        let address: ListenAddress
        do throws(ListenAddress.Fault) {
            address = try ListenAddress(parsingWithScheme: text)
        } catch {
            throw fault(error.message)
        }
        // Workers are told this port: it cannot be "any".
        if case .tcp(_, port: 0) = address { throw fault("the port of a relay cannot be 0") }
        return .socket(address)
    }

    private func onInit(from reader: inout SectionReader) throws(ConfigurationError) -> OnInitSettings {
        let command = try reader.command("command")
        guard !command.isEmpty else {
            throw reader.place.error(
                .missingValue,
                "on_init command should not be empty",
                key: reader.path("command"),
                fix: "say what to run, or remove `on_init`"
            )
        }
        return OnInitSettings(
            command: command,
            execTimeout: try reader.duration("exec_timeout", default: .seconds(60), .zeroIsDefault),
            environment: try reader.variables("env"),
            user: try reader.text("user"),
            exitOnError: try reader.bool("exit_on_error", default: false)
        )
    }
}
