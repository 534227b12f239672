import Addresses
import Configuration
import Platform
import Sockets
import WorkerProcess

extension WorkerCommand {
    /// The launch settings of a worker, with the environment of docs/protocol.md: the last value of a variable wins.
    ///
    /// - Parameters:
    ///   - relay: The address to connect to; `nil` for pipes.
    ///   - rpc: Where workers find RPC; `nil` where there is none.
    init(_ settings: Settings, relay: ListenAddress?, rpc: ListenAddress?, _ process: Gateway.Process) throws {
        var environment = process.inheritedEnvironment
        environment["RR_RELAY"] = relay?.url ?? "pipes"
        if let rpc {
            environment["RR_RPC"] = rpc.url
        }
        environment.set(settings.server.environment)
        environment["RR_VERSION"] = Version.current
        environment["RR_MODE"] = "tcp"
        let command = settings.tcp.pool.command
        self.init(
            arguments: command.isEmpty ? settings.server.command : command,
            environment: environment.entries,
            workingDirectory: process.workDirectory,
            credentials: try Credentials.wanted(user: settings.server.user, group: settings.server.group)
        )
    }

    /// `server.on_init`.
    init(onInit: OnInitSettings, _ process: Gateway.Process) throws {
        var environment = process.inheritedEnvironment
        environment.set(onInit.environment)
        self.init(
            arguments: onInit.command,
            environment: environment.entries,
            workingDirectory: process.workDirectory,
            credentials: try Credentials.wanted(user: onInit.user, group: nil)
        )
    }
}

extension Gateway.Process {
    /// The environment without variables that are meant only for this process.
    fileprivate var inheritedEnvironment: EnvironmentVariables {
        var environment = self.environment
        for name in ServiceManager.variables {
            environment[name] = nil
        }
        return environment
    }
}

extension Credentials {
    /// `nil` when the workers run as the same user as the service.
    fileprivate static func wanted(user: String?, group: String?) throws -> Credentials? {
        guard user != nil || group != nil else {
            return nil
        }
        let credentials = try Credentials(user: user, group: group)
        return credentials.areOurs ? nil : credentials
    }
}
