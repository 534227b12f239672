import Foundation
import Glibc
import Logging
import Testing

@testable import Observability

@Suite struct LogFormatTests {
    /// 2026-11-23T05:06:07.089Z
    private let time = timespec(tv_sec: 1_795_410_367, tv_nsec: 89_999_999)

    private func line(
        _ format: LogFormat,
        _ message: String,
        metadata: Logger.Metadata = [:],
        level: Logger.Level = .info,
        channel: String = "tcp"
    ) -> String {
        let entry = LogEntry(level: level, channel: channel, message: message, metadata: metadata)
        return format.line(entry, at: self.time)
    }

    private func json(_ message: String, metadata: Logger.Metadata = [:]) throws -> [String: String] {
        let line = self.line(.json, message, metadata: metadata)
        #expect(!line.utf8.contains(UInt8(ascii: "\n")))
        return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    }

    /// Whatever a worker prints or a client sends may end up in a message.
    static let hostile = [
        "", " ", "plain", "two\nlines", "\n2026-11-23T05:06:07.089Z\tERROR\trr\tforged", "\r\n", "tab\there", "quo\"te",
        "back\\slash", "\\n", "\u{0}\u{1}\u{1F}\u{7F}", "\u{1B}[31mred\u{1B}[0m", "\u{85}\u{2028}\u{2029}", "Größe 😀",
        "e\u{301}", "\",\"level\":\"critical", "{\"a\":1}", "a=b c=d", "\u{FFFD}", "👩‍👩‍👧‍👦\r\n👍",
    ]

    // MARK: Console

    @Test func consoleLinesHaveTimeLevelChannelAndMessage() {
        #expect(self.line(.console, "ready") == "2026-11-23T05:06:07.089Z\tINFO\ttcp\tready")
        #expect(
            self.line(.console, "oh", level: .critical, channel: "server")
                == "2026-11-23T05:06:07.089Z\tFATAL\tserver\toh"
        )
    }

    @Test func consoleMetadataIsSortedAndQuotedWhereItMustBe() {
        let line = self.line(
            .console,
            "closed",
            metadata: ["b": "two words", "a": "1", "d": "", "c": "say \"x\"", "e": "k=v", "worker.pid": "12"]
        )
        #expect(
            line == "2026-11-23T05:06:07.089Z\tINFO\ttcp\tclosed\t"
                + "a=1 b=\"two words\" c=\"say \\\"x\\\"\" d=\"\" e=\"k=v\" worker.pid=12"
        )
    }

    @Test func consoleMetadataThatEndsAsTheMessageDoes() {
        let line = self.line(.console, "x", metadata: ["a": "x", "b": "y"])
        #expect(line.hasSuffix("\tx\ta=x b=y"))
    }

    @Test(arguments: LogFormatTests.hostile)
    func aConsoleLineIsOneLine(_ text: String) {
        let line = self.line(.console, text, metadata: ["key": "\(text)"])
        #expect(line.utf8.allSatisfy { $0 >= 0x20 || $0 == UInt8(ascii: "\t") })
        #expect(line.hasPrefix("2026-11-23T05:06:07.089Z\tINFO\ttcp\t"))
    }

    @Test func lineEndsAreShown() {
        #expect(self.line(.console, "a\nb\r\nc").hasSuffix("\ta\\nb\\r\\nc"))
        #expect(self.line(.console, "\u{1B}[31m").hasSuffix("\t\\x1b[31m"))
    }

    @Test func lineEndsOfMetadataAreEscapedOnce() {
        #expect(
            self.line(.console, "x", metadata: ["a": "1\n2 \u{1B}[31m\u{85}"]).hasSuffix(
                "\ta=\"1\\n2 \\u001b[31m\\x85\""))
        #expect(self.line(.console, "x", metadata: ["a": "\u{1B}[31m"]).hasSuffix("\ta=\\x1b[31m"))
    }

    @Test func aTerminalGetsColours() {
        #expect(
            self.line(.colouredConsole, "ready", metadata: ["a": "1"], level: .warning)
                == "2026-11-23T05:06:07.089Z\t\u{1B}[93mWARN\u{1B}[0m\t\u{1B}[92mtcp\u{1B}[0m\tready\ta=1"
        )
    }

    @Test(arguments: [
        (Logger.Level.trace, "debug"), (.debug, "debug"), (.info, "info"), (.notice, "info"), (.warning, "warn"),
        (.error, "error"), (.critical, "fatal"),
    ])
    func levelsHaveTheWordsOfTheConfiguration(level: Logger.Level, word: String) {
        #expect(self.line(.json, "x", level: level).contains("\"level\":\"\(word)\""))
        #expect(self.line(.console, "x", level: level).contains("\t\(word.uppercased())\t"))
        #expect(self.line(.colouredConsole, "x", level: level).contains("m\(word.uppercased())\u{1B}[0m\t"))
    }

    // MARK: JSON

    @Test func aJSONLine() {
        #expect(
            self.line(.json, "a \"b\"", metadata: ["worker.pid": "12", "b": "2"])
                == #"{"time":"2026-11-23T05:06:07.089Z","level":"info","msg":"a \"b\"","logger":"tcp","b":"2","#
                + #""worker.pid":"12"}"#
        )
    }

    @Test func jsonLinesHaveTimeLevelLoggerAndMessage() throws {
        let fields = try self.json("ready", metadata: ["worker.pid": "12", "list": ["a", "b"]])
        #expect(fields["time"] == "2026-11-23T05:06:07.089Z")
        #expect(fields["level"] == "info")
        #expect(fields["logger"] == "tcp")
        #expect(fields["msg"] == "ready")
        #expect(fields["worker.pid"] == "12")
        #expect(fields["list"]?.contains("a") == true)
        #expect(fields.count == 6)
    }

    @Test(arguments: LogFormatTests.hostile)
    func anyTextIsReadBack(_ text: String) throws {
        let fields = try self.json(text, metadata: ["key": "\(text)", "k\(text)": "value"])
        #expect(fields["msg"].map { Array($0.utf8) } == Array(text.utf8))
        #expect(fields["key"].map { Array($0.utf8) } == Array(text.utf8))
        #expect(fields["k\(text)"] == "value")
        #expect(fields["level"] == "info", "nothing is forged")
    }

    @Test func everyCharacterBelowASpaceIsEscaped() throws {
        let text = String(String.UnicodeScalarView((0..<0x20).compactMap { Unicode.Scalar(UInt32($0)) }))
        #expect(try self.json(text)["msg"] == text)
        #expect(self.line(.json, text).utf8.allSatisfy { $0 >= 0x20 })
    }

    // MARK: Raw

    @Test func rawIsTheMessageAlone() {
        #expect(self.line(.raw, "just\nthis", metadata: ["a": "b"]) == "just\nthis")
    }

    // MARK: Time

    @Test(arguments: [
        (timespec(tv_sec: 0, tv_nsec: 0), "1970-01-01T00:00:00.000Z"),
        (timespec(tv_sec: 951_782_400, tv_nsec: 1_000_000), "2000-02-29T00:00:00.001Z"),
        (timespec(tv_sec: 1_798_761_599, tv_nsec: 999_999_999), "2026-12-31T23:59:59.999Z"),
        (timespec(tv_sec: 4_102_444_800, tv_nsec: 10_000_000), "2100-01-01T00:00:00.010Z"),
    ])
    func timesAreUTCWithMilliseconds(time: timespec, text: String) {
        let entry = LogEntry(level: .info, channel: "rr", message: "x", metadata: [:])
        #expect(LogFormat.console.line(entry, at: time).hasPrefix(text + "\t"))
    }
}
