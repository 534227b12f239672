import Glibc
import Logging
import Testing

@testable import Observability

@Suite struct ChannelLogHandlerTests {
    private let output: TestOutput

    init() throws {
        self.output = try TestOutput()
    }

    private func logger(_ level: LogLevelSwitch, format: LogFormat = .raw) -> Logger {
        let target = ChannelLogHandler.Target(self.output.output, LogStyle(format))
        return Logger(label: "test") { _ in
            ChannelLogHandler(channel: "tcp", level: level, targets: [target])
        }
    }

    @Test func theLevelOfAChannelMayChangeWhileItIsUsed() {
        let level = LogLevelSwitch(.warning)
        let logger = self.logger(level)
        logger.info("1")
        logger.warning("2")
        level.level = .debug
        logger.debug("3")
        logger.trace("4")
        level.level = .critical
        logger.error("5")
        #expect(self.output.text() == "2\n3\n")
    }

    @Test func aLoggersOwnLevelGoesBeforeTheChannels() {
        let level = LogLevelSwitch(.critical)
        var logger = self.logger(level)
        logger.logLevel = .info
        logger.info("1")
        level.level = .trace
        logger.debug("2")
        #expect(self.output.text() == "1\n")
    }

    @Test(arguments: Logger.Level.allCases)
    func everyLevelIsKept(_ level: Logger.Level) {
        #expect(LogLevelSwitch(level).level == level)
    }

    @Test func theMetadataOfAnEntryGoesBeforeTheLoggers() {
        var logger = self.logger(LogLevelSwitch(.info), format: .console)
        logger[metadataKey: "a"] = "1"
        logger[metadataKey: "b"] = "2"
        #expect(logger[metadataKey: "b"] == "2")
        logger.info("x", metadata: ["b": "3", "c": "4"])
        #expect(self.output.text().hasSuffix("\tINFO\ttcp\tx\ta=1 b=3 c=4\n"))
    }

    @Test func linesOfManyThreadsAreWhole() async {
        let logger = self.logger(LogLevelSwitch(.info))
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    for number in 0..<100 {
                        logger.info("\(thread) \(number) \(String(repeating: "x", count: 50))")
                    }
                }
            }
        }
        let lines = self.output.text().split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.count == 400)
        for thread in 0..<4 {
            let numbers = lines.filter { $0[0] == "\(thread)" }.compactMap { Int($0[1]) }
            #expect(numbers == Array(0..<100))
        }
        #expect(lines.allSatisfy { $0[2].count == 50 })
    }

    @Test func aLineGoesToEveryOutputInItsOwnStyle() throws {
        let other = try TestOutput()
        let targets = [
            ChannelLogHandler.Target(self.output.output, LogStyle(.raw, lineEnding: "\r\n")),
            ChannelLogHandler.Target(other.output, LogStyle(.json)),
        ]
        let logger = Logger(label: "test") { _ in
            ChannelLogHandler(channel: "tcp", level: LogLevelSwitch(.info), targets: targets)
        }
        logger.info("x")
        #expect(self.output.text() == "x\r\n")
        #expect(other.text().hasSuffix(#""level":"info","msg":"x","logger":"tcp"}"# + "\n"))
    }
}
