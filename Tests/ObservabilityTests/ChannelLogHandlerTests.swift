import Logging
import Testing

@testable import Observability

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct ChannelLogHandlerTests {
    private let pipe: (read: Int32, write: Int32)

    init() {
        var ends: [Int32] = [0, 0]
        #expect(Glibc.pipe(&ends) == 0)
        self.pipe = (ends[0], ends[1])
    }

    private func logger(_ level: LogLevelSwitch, format: LogFormat = .raw) -> Logger {
        let sink = LogSink(descriptor: self.pipe.write)
        return Logger(label: "test") { _ in
            ChannelLogHandler(channel: "tcp", format: format, level: level, sink: sink)
        }
    }

    /// All that was logged.
    private func output() -> String {
        close(self.pipe.write)
        defer { close(self.pipe.read) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(self.pipe.read, &buffer, buffer.count), count > 0 {
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
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
        #expect(self.output() == "2\n3\n")
    }

    @Test func aLoggersOwnLevelGoesBeforeTheChannels() {
        let level = LogLevelSwitch(.critical)
        var logger = self.logger(level)
        logger.logLevel = .info
        logger.info("1")
        level.level = .trace
        logger.debug("2")
        #expect(self.output() == "1\n")
    }

    @Test(arguments: Logger.Level.allCases)
    func everyLevelIsKept(_ level: Logger.Level) {
        #expect(LogLevelSwitch(level).level == level)
        close(self.pipe.write)
        close(self.pipe.read)
    }

    @Test func theMetadataOfAnEntryGoesBeforeTheLoggers() {
        var logger = self.logger(LogLevelSwitch(.info), format: .console)
        logger[metadataKey: "a"] = "1"
        logger[metadataKey: "b"] = "2"
        #expect(logger[metadataKey: "b"] == "2")
        logger.info("x", metadata: ["b": "3", "c": "4"])
        #expect(self.output().hasSuffix("\tINFO\ttcp\tx\ta=1 b=3 c=4\n"))
    }

    @Test func linesOfManyThreadsAreWhole() async {
        let logger = self.logger(LogLevelSwitch(.info))
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    // All together less than a pipe holds.
                    for number in 0..<100 {
                        logger.info("\(thread) \(number) \(String(repeating: "x", count: 50))")
                    }
                }
            }
        }
        let lines = self.output().split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.count == 400)
        for thread in 0..<4 {
            let numbers = lines.filter { $0[0] == "\(thread)" }.compactMap { Int($0[1]) }
            #expect(numbers == Array(0..<100))
        }
        #expect(lines.allSatisfy { $0[2].count == 50 })
    }

    @Test func whenNobodyReadsNothingHappens() {
        close(self.pipe.write)
        close(self.pipe.read)
        LogSink(descriptor: -1).write("lost")
    }
}
