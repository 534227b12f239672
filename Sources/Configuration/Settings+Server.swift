import Addresses

/// `server`: how workers are started (docs/protocol.md).
package struct ServerSettings: Sendable, Equatable {
    /// `server.command`: the argument vector, already split as a shell would; never empty. Required.
    package var command: [String]
    /// `server.user`: a user's name; `nil` keeps the server's own. Needs root.
    package var user: String?
    /// `server.group`: a group's name; `nil` means the primary group of ``user``.
    package var group: String?
    /// `server.env`: added to each worker's environment, in file order. Default: nothing.
    package var environment: [EnvironmentEntry]
    /// `server.relay`: how frames reach a worker. Default ``Relay/pipes``.
    package var relay: Relay
    /// `server.on_init`: a command that runs before the workers start; `nil` when the section is absent.
    package var onInit: OnInitSettings?

    package init(
        command: [String],
        user: String? = nil,
        group: String? = nil,
        environment: [EnvironmentEntry] = [],
        relay: Relay = .pipes,
        onInit: OnInitSettings? = nil
    ) {
        self.command = command
        self.user = user
        self.group = group
        self.environment = environment
        self.relay = relay
        self.onInit = onInit
    }
}

/// One variable for a worker: the name is upper case, the value is expanded.
package struct EnvironmentEntry: Sendable, Equatable, Hashable {
    package var name: String
    /// Anything but NUL: a variable may hold what is not UTF-8.
    package var value: ByteText

    package init(name: String, value: ByteText) {
        self.name = name
        self.value = value
    }
}

/// `server.relay`: what carries frames between the server and a worker.
package enum Relay: Sendable, Equatable, CustomStringConvertible {
    /// `pipes`: the worker's standard input and output.
    case pipes
    /// `tcp://host:port` or `unix://path`: the server listens there, each worker connects. The port is 1…65535.
    case socket(ListenAddress)

    /// The value as a configuration file spells it, which is also what `RR_RELAY` tells a worker.
    package var description: String {
        switch self {
        case .pipes: "pipes"
        case .socket(let address): address.url
        }
    }

    /// Where the server listens and workers connect; `nil` for pipes.
    package var address: ListenAddress? {
        switch self {
        case .pipes: nil
        // All workers are on this machine.
        case .socket(.tcp(host: "", let port)): .tcp(host: "127.0.0.1", port: port)
        case .socket(let address): address
        }
    }
}

/// `server.on_init`: a command that runs to its end before the workers start; its output is logged.
package struct OnInitSettings: Sendable, Equatable {
    /// `server.on_init.command`: the argument vector; never empty. Required.
    package var command: [String]
    /// `server.on_init.exec_timeout`: above zero, default 60 s.
    package var execTimeout: Duration
    /// `server.on_init.env`: added to the command's environment. Default: nothing.
    package var environment: [EnvironmentEntry]
    /// `server.on_init.user`: a user's name; `nil` keeps the server's own. Needs root.
    package var user: String?
    /// `server.on_init.exit_on_error`: whether a failure ends the server. Default `false`.
    package var exitOnError: Bool

    package init(
        command: [String],
        execTimeout: Duration = .seconds(60),
        environment: [EnvironmentEntry] = [],
        user: String? = nil,
        exitOnError: Bool = false
    ) {
        self.command = command
        self.execTimeout = execTimeout
        self.environment = environment
        self.user = user
        self.exitOnError = exitOnError
    }
}
