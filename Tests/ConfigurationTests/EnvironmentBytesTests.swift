import Testing

@testable import Application
@testable import Configuration

/// Variables are bytes: nothing that is not UTF-8 becomes U+FFFD on its way.
@Suite struct EnvironmentBytesTests {
    private static let bytes: [UInt8] = [0xFF, 0xC3, 0x28]

    private func load(
        _ text: String,
        _ variables: [String: [UInt8]],
        overrides: [String] = [],
        dotenv: [UInt8]? = nil
    ) throws(ConfigurationError) -> LoadedSettings {
        guard let sandbox = try? Sandbox(["rr.yaml": text]) else { fatalError("no sandbox") }
        if let dotenv { try? sandbox.write("x.env", dotenv) }
        let entries = variables.map { Array("\($0)=".utf8) + $1 }
        return try ConfigurationLoader(environment: EnvironmentVariables(entries: entries), processorCount: 4)
            .load(path: sandbox.path("rr.yaml"), overrides: overrides, dotenv: dotenv == nil ? nil : "x.env")
    }

    @Test func entriesComeOutAsTheyWentIn() {
        let entries: [[UInt8]] = [
            Array("A=1".utf8), Array("B=x=y".utf8), Array("C=".utf8), [0x44, 0x3D] + Self.bytes, [0xFE, 0x3D, 0x31],
        ]
        #expect(EnvironmentVariables(entries: entries.reversed()).entries == entries)
        let odd: [[UInt8]] = [Array("A=1".utf8), Array("A=2".utf8), Array("=x".utf8), Array("none".utf8), []]
        #expect(EnvironmentVariables(entries: odd).entries == [Array("A=1".utf8)])
    }

    @Test func aDelimiterMayBeAnyBytes() throws {
        let texts = [minimal, minimal.replacing("7777\"", with: "7777\", delimiter: '${D}'")]
        for (text, name) in zip(texts, ["RR_TCP_SERVERS_MAIN_DELIMITER", "D"]) {
            let loaded = try load(text, [name: Self.bytes])
            #expect(loaded.settings.tcp.servers.map(\.delimiter) == [Self.bytes])
            #expect(loaded.warnings.isEmpty)
            #expect(loaded.yaml().contains("delimiter: !!binary /8Mo\n"))
            #expect(try load(loaded.yaml(), [:]).settings == loaded.settings)
        }
        let override = try load(minimal, ["D": Self.bytes], overrides: ["tcp.servers.main.delimiter=a${D}b"])
        #expect(override.settings.tcp.servers.map(\.delimiter) == [[0x61] + Self.bytes + [0x62]])
    }

    @Test func workersGetTheBytes() throws {
        let text = minimal.replacing("worker.php\"", with: "worker.php\", env: {A: 'x${V}', B: !!binary /wA1}")
        #expect(throws: ConfigurationError.self) { try load(text, ["V": Self.bytes]) }
        let loaded = try load(text.replacing("/wA1", with: "/w=="), ["V": Self.bytes, "RR_SERVER_ENV_B": Self.bytes])
        let expected = [
            EnvironmentEntry(name: "A", value: ByteText(bytes: [0x78] + Self.bytes)),
            EnvironmentEntry(name: "B", value: ByteText(bytes: Self.bytes)),
        ]
        #expect(loaded.settings.server.environment == expected)
        #expect(try load(loaded.yaml(showsSecrets: true), [:]).settings == loaded.settings)
    }

    @Test func aDotEnvFileMayHoldAnyBytes() throws {
        let text = minimal.replacing("7777\"", with: "7777\", delimiter: '${E}'")
        let loaded = try load(text, [:], dotenv: Array("D='".utf8) + Self.bytes + Array("'\nE=$D\n".utf8))
        #expect(loaded.settings.tcp.servers.map(\.delimiter) == [Self.bytes])
        #expect(loaded.environmentAdditions.map(\.value.bytes) == [Self.bytes, Self.bytes])
    }

    @Test(arguments: [
        ("logs: {level: '${V}'}", "logs.level", 15), ("logs: {output: ['${V}']}", "logs.output", 17),
        ("logs: {output: '${V}'}", "logs.output", 16), ("rpc: {listen: '${V}'}", "rpc.listen", 15),
        ("endure: {grace_period: '${V}'}", "endure.grace_period", 24),
        ("tcp.pool.command: '${V}'", "tcp.pool.command", 19), ("tcp.pool.command: ['${V}']", "tcp.pool.command", 20),
    ])
    func textMustBeText(text: String, key: String, column: Int) throws {
        let text = minimal.replacing("tcp:\n  servers:", with: "tcp.servers:") + text + "\n"
        let error = #expect(throws: ConfigurationError.self) { try load(text, ["V": Self.bytes]) }
        #expect(error?.key == key)
        #expect(error?.message == "holds bytes that are not UTF-8")
        #expect(error?.line == 4)
        #expect(error?.column == column)
        #expect(error?.fix?.hasPrefix("correct the variable") == true)
    }

    @Test func aNameThatNoProcessCanHaveIsRefused() throws {
        for name in ["1A", "A=B", ""] {
            let error = try failure(minimal.replacing("worker.php\"", with: "worker.php\", env: {'\(name)': x}"))
            #expect(error.message == "`\(name)` is no name of a variable")
            #expect(error.line == 2)
            #expect(error.fix == "begin it with a letter or `_`, and leave out `=`")
        }
    }
}
