import Configuration
import Observability
import Testing

@testable import Application

@Suite struct LogOutputsTests {
    private func choice(_ settings: LogSettings, _ channel: String = "tcp") -> LogOutputs.Choice {
        LogOutputs.Choice(settings, channel: channel, workDirectory: "/work")
    }

    @Test func theDefaultIsStandardError() {
        let choice = self.choice(LogSettings())
        #expect(choice.destinations == [.standardError])
        #expect(choice.faults == [.standardError])
        #expect(choice.format == .console)
        #expect(choice.lineEnding == "\n")
        #expect(choice.key == "logs.output")
    }

    @Test func pathsCountFromTheWorkDirectory() {
        let output = ["stdout", "a.log", "/b.log", "file:///c.log", "/dev/stderr", "a.log"]
        #expect(
            self.choice(LogSettings(all: LoggerSettings(output: output))).destinations == [
                .standardOutput, .file(path: "/work/a.log", rotation: nil), .file(path: "/b.log", rotation: nil),
                .file(path: "/c.log", rotation: nil), .standardError,
            ]
        )
    }

    @Test func aFileLoggerGoesBeforeOutputsAndSpeaksJSON() {
        let file = FileLoggerSettings(logOutput: "a.log", maxSize: 3, maxAge: 0, maxBackups: 0)
        let choice = self.choice(LogSettings(all: LoggerSettings(output: ["stdout"], fileLogger: file)))
        let rotation = LogRotation(maximumSize: 3 << 20, maximumAge: 24, maximumBackups: 10)
        #expect(choice.destinations == [.file(path: "/work/a.log", rotation: rotation)])
        #expect(choice.format == .json)
        #expect(choice.key == "logs.file_logger_options.log_output")
        #expect(self.choice(LogSettings(all: LoggerSettings(encoding: .console, fileLogger: file))).format == .console)
        #expect(self.choice(LogSettings(all: LoggerSettings(mode: .raw, fileLogger: file))).format == .raw)
    }

    @Test func aChannelsOwnKeysGoFirst() {
        let own = LoggerSettings(
            mode: .production, output: ["own.log"], errorOutput: ["stdout"], lineEnding: "\r\n")
        let file = FileLoggerSettings(logOutput: "a.log")
        let settings = LogSettings(all: LoggerSettings(fileLogger: file), channels: ["tcp": own])
        let choice = self.choice(settings)
        #expect(choice.destinations == [.file(path: "/work/own.log", rotation: nil)])
        #expect(choice.faults == [.standardOutput])
        #expect(choice.format == .json)
        #expect(choice.lineEnding == "\r\n")
        #expect(choice.key == "logs.channels.tcp.output")
        #expect(choice.faultsKey == "logs.channels.tcp.err_output")
        #expect(self.choice(settings, "rr").key == "logs.file_logger_options.log_output")
    }

    @Test(
        arguments: [
            (.development, nil, .console), (.development, .json, .json), (.production, nil, .json),
            (.production, .console, .console), (.raw, nil, .raw), (.raw, .json, .raw), (.off, nil, .console),
        ] as [(LogMode, LogEncoding?, LogFormat)])
    func formats(mode: LogMode, encoding: LogEncoding?, format: LogFormat) {
        #expect(LogFormat(mode: mode, encoding: encoding) == format)
    }

    @Test func channelsShareAnOutput() throws {
        var outputs = LogOutputs(isColourful: false)
        for channel in ["rr", "tcp"] {
            let settings = LogSettings(all: LoggerSettings(output: ["/dev/null", "stderr"]))
            #expect(try outputs.targets(self.choice(settings, channel)).count == 2)
        }
        #expect(outputs.all.map(\.destination.name) == ["/dev/null", "stderr"])
    }

    @Test func whatCannotBeOpenedIsToldWithItsKey() {
        var outputs = LogOutputs(isColourful: false)
        let failure = #expect(throws: Gateway.Failure.self) {
            try outputs.targets(self.choice(LogSettings(all: LoggerSettings(output: ["/no/such/dir/a.log"]))))
        }
        #expect(failure?.description == "logs.output: cannot open /no/such/dir/a.log: No such file or directory")
        let other = #expect(throws: Gateway.Failure.self) {
            try outputs.targets(self.choice(LogSettings(all: LoggerSettings(errorOutput: ["/no/such/dir/b.log"]))))
        }
        #expect(other?.description.hasPrefix("logs.err_output: cannot open /no/such/dir/b.log") == true)
    }

    @Test func oneFileWithTwoRotationsIsAnError() {
        var outputs = LogOutputs(isColourful: false)
        let own = LoggerSettings(output: ["/dev/null"])
        let settings = LogSettings(
            all: LoggerSettings(fileLogger: FileLoggerSettings(logOutput: "/dev/null")), channels: ["tcp": own])
        let failure = #expect(throws: Gateway.Failure.self) {
            _ = try outputs.targets(self.choice(settings, "tcp"))
            _ = try outputs.targets(self.choice(settings, "rr"))
        }
        #expect(failure?.description.contains("other file_logger_options") == true)
    }
}
