import Addresses
import Configuration

/// `server`: how workers are started (docs/protocol.md).
struct WorkerSettings: Sendable, Equatable {
    /// The argument vector, already split as a shell would; empty only when the section is absent.
    var command: [String] = []
    /// `nil` keeps the service's own. Needs root.
    var user: String?
    /// `nil` means the primary group of ``user``.
    var group: String?
    /// Added to each worker's environment, in the order of the file.
    var environment: [EnvironmentEntry] = []
    var relay = Relay.pipes
    /// A command that runs before the workers start; `nil` when the section is absent.
    var onInit: OnInitSettings?

    static let section = Section(Self()) {
        Key(
            "command", \.command, .command,
            "A string is split as a shell would, quotes included; a list is taken as it is.", required: missingCommand
        )
        Key(
            "user", \.user, .text(), "Name or number, of `/etc/passwd`; needs root.", default: "own")
        Key(
            "group", \.group, .text(), "Name or number, of `/etc/group`; needs root.",
            default: "the user's, or own"
        )
        Key("env", \.environment, .variables, "Added to the workers' environment, names in upper case.")
        Key(
            "relay", \.relay, .relay, marks: .atStart,
            "`pipes` (a worker's standard input and output), or where workers connect: `tcp://host:port` "
                + "(`tcp://:port` is on 127.0.0.1), `unix://path`. See [below](#who-may-be-a-worker)."
        )
        Key("on_init", \.onInit, section: OnInitSettings.section)
        Key.withoutEffect("relay_timeout", "`tcp.pool.allocate_timeout` limits the handshake")
        Key.withoutEffect("after_init", "only `on_init` is there", node: .anything)
    }

    /// Variables that are set for workers. They are never read as settings: one `rr` may have started another.
    static let variables: Set = ["RR_MODE", "RR_RELAY", "RR_RPC", "RR_VERSION", "RR_WORKER_SLOT"]

    static let missingCommand = MissingKey(
        "command should not be empty", fix: "say how a worker is started, such as `command: \"php worker.php\"`")
}

/// `server.relay`: the transport of frames between the service and a worker.
enum Relay: Sendable, Equatable, CustomStringConvertible {
    /// The worker's standard input and output.
    case pipes
    /// The service listens on this address, and each worker connects to it. The port is 1…65535.
    case socket(ListenAddress)

    /// The value as a configuration file spells it, which is also what `RR_RELAY` tells a worker.
    var description: String {
        switch self {
        case .pipes: "pipes"
        case .socket(let address): address.url
        }
    }

    /// The address to listen on; `nil` for pipes.
    var address: ListenAddress? {
        switch self {
        case .pipes: nil
        // All workers are on this machine.
        case .socket(.tcp(host: "", let port)): .tcp(host: "127.0.0.1", port: port)
        case .socket(let address): address
        }
    }
}

extension ValueKind<Relay> {
    fileprivate static var relay: ValueKind {
        ValueKind(
            type: "string",
            effective: { .scalar(.text($0.description)) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let text = try reader.text(key) else { return nil }
                guard text != "pipes" else { return .pipes }
                let place = reader.source[key]?.value.place ?? reader.place
                let path = reader.path(key)
                func fault(_ message: String) -> ConfigurationError {
                    place.error(.invalidValue, message, key: path, fix: "use pipes, tcp://host:port or unix://path")
                }
                let address: ListenAddress
                do throws(ListenAddress.Fault) {
                    address = try ListenAddress(parsingWithScheme: text)
                } catch {
                    throw fault(error.message)
                }
                // Workers are told this port, so it cannot be "any".
                if case .tcp(_, port: 0) = address { throw fault("the port of a relay cannot be 0") }
                return .socket(address)
            }
        )
    }
}

/// `server.on_init`: a command that runs to its end before the workers start; its output is logged.
struct OnInitSettings: Sendable, Equatable {
    /// The argument vector; never empty.
    var command: [String] = []
    /// Above zero.
    var execTimeout = Duration.seconds(60)
    /// Added to the command's environment.
    var environment: [EnvironmentEntry] = []
    /// `nil` keeps the service's own. Needs root.
    var user: String?
    /// Whether a failure ends the service.
    var exitOnError = false

    static let section = Section(Self()) {
        Key(
            "command", \.command, .command, marks: .atStart, "Runs to its end before the workers start.",
            required: MissingKey(
                "on_init command should not be empty", fix: "say what to run, or remove `on_init`")
        )
        Key("exec_timeout", \.execTimeout, .duration(.zeroIsDefault), marks: .atStart, "Then it is killed.")
        Key("env", \.environment, .variables, marks: .atStart, "Added to its environment, names in upper case.")
        Key("user", \.user, .text(), marks: .atStart, "As `server.user`.", default: "own")
        Key("exit_on_error", \.exitOnError, .bool, marks: .atStart, "Whether its failure ends the service.")
    }
}
