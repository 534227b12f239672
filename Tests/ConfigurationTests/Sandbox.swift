import Configuration
import Foundation
import Platform
import TestSupport
import Testing

@testable import Application

/// A folder of its own with the files of one test; it goes when the test ends.
final class Sandbox {
    private let directory: TemporaryDirectory

    var folder: String { directory.path }

    init(_ files: [String: String] = [:]) throws {
        directory = try TemporaryDirectory()
        for (name, text) in files { try write(name, text) }
    }

    deinit {
        directory.remove()
    }

    func path(_ name: String) -> String { directory.file(name) }

    func write(_ name: String, _ text: String) throws {
        try write(name, Array(text.utf8))
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try directory.write(bytes, to: name)
    }

    func load(
        _ name: String = "rr.yaml",
        workDirectory: String? = nil,
        environment: [String: String] = [:],
        overrides: [String] = [],
        dotenv: String? = nil,
        processorCount: Int = 4
    ) throws(ConfigurationError) -> LoadedSettings {
        try ConfigurationLoader(environment: EnvironmentVariables(environment), processorCount: processorCount)
            .load(
                path: name.hasPrefix("/") || workDirectory != nil ? name : path(name),
                workDirectory: workDirectory,
                overrides: overrides,
                dotenv: dotenv
            )
    }
}

extension ConfigurationLoader where Settings == Application.Settings {
    /// On a machine with so many processors, all of them for us, and without a limit of memory.
    init(environment: EnvironmentVariables, processorCount: Int) {
        self.init(
            environment: environment,
            machine: MachineResources(processors: ProcessorBudget(count: processorCount))
        )
    }
}

/// The required keys of a file, on five lines.
let minimal = """
    version: "3"
    server: {command: "php worker.php"}
    tcp:
      servers: {main: {addr: "127.0.0.1:7777"}}

    """

/// Loads one text.
func load(
    _ text: String,
    environment: [String: String] = [:],
    overrides: [String] = [],
    processorCount: Int = 4
) throws -> LoadedSettings {
    try Sandbox(["rr.yaml": text])
        .load(environment: environment, overrides: overrides, processorCount: processorCount)
}

/// Loads `minimal` with one server's keys replaced.
func loadServer(_ keys: String, environment: [String: String] = [:]) throws -> (ListenerSettings, LoadedSettings) {
    let loaded = try load(
        "version: '3'\nserver: {command: php}\ntcp: {servers: {main: {\(keys)}}}\n",
        environment: environment
    )
    return (try #require(loaded.settings.tcp.servers.first), loaded)
}

/// Loads `minimal` with the keys of `tcp.pool`.
func loadPool(_ keys: String, environment: [String: String] = [:]) throws -> (PoolSettings, LoadedSettings) {
    let loaded = try load(
        "version: '3'\nserver: {command: php}\ntcp:\n  servers: {main: {addr: ':7777'}}\n  pool: {\(keys)}\n",
        environment: environment
    )
    return (loaded.settings.tcp.pool, loaded)
}

/// The error of a text that must not load.
func failure(
    _ text: String,
    environment: [String: String] = [:],
    overrides: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> ConfigurationError {
    let sandbox = try Sandbox(["rr.yaml": text])
    return try failure(sourceLocation) { () throws(ConfigurationError) in
        try sandbox.load(environment: environment, overrides: overrides)
    }
}

func failure(
    _ sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws(ConfigurationError) -> LoadedSettings
) throws -> ConfigurationError {
    var fault: ConfigurationError?
    do throws(ConfigurationError) {
        _ = try body()
    } catch {
        fault = error
    }
    return try #require(fault, "it loads", sourceLocation: sourceLocation)
}

extension LoadedConfiguration {
    /// The warnings about a key.
    func warnings(_ key: String) -> [String] {
        warnings.filter { $0.key == key }.map(\.message)
    }

    func origin(_ path: String) -> ValueOrigin? {
        effective.leaves.first { $0.path == path }?.origin
    }
}
