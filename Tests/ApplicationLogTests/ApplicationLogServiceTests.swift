import Logging
import NIOCore
import RPC
import Synchronization
import TestSupport
import Testing

@testable import ApplicationLog

@Suite struct ApplicationLogServiceTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])

        func add(_ line: String) {
            self.lines.withLock { $0.append(line) }
        }

        var all: [String] {
            self.lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let pairs = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            self.lines.add(
                ["\(event.level)", "\(event.message)"].joined(separator: " ") + pairs.map { " \($0)" }.joined())
        }
    }

    private let lines = Lines()
    private let raw = Lines()

    private func call(
        _ method: String, _ argument: ByteBuffer, _ codec: RPCCodec, level: Logger.Level = .trace
    ) -> String {
        let (lines, raw) = (self.lines, self.raw)
        let logger = Logger(label: "app") { _ in Handler(lines: lines, logLevel: level) }
        let service = ApplicationLogService(logger: logger) { raw.add($0) }.rpc
        guard case .immediate(let body) = service.methods[method] else { return "no method" }
        do throws(RPCError) {
            return String(buffer: try body(RPCCall(codec: codec, argument: argument)))
        } catch {
            return error.text
        }
    }

    private func json(_ method: String, _ argument: String, level: Logger.Level = .trace) -> String {
        self.call(method, ByteBuffer(string: argument), .json, level: level)
    }

    private func entry(_ message: String, _ attributes: (String, String)...) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeProtobuf(message, field: 1)
        for (key, value) in attributes {
            var attribute = ByteBuffer()
            attribute.writeProtobuf(key, field: 1)
            attribute.writeProtobuf(value, field: 2)
            buffer.writeProtobufMessageHeader(length: attribute.readableBytes, field: 2)
            buffer.writeBuffer(&attribute)
        }
        return buffer
    }

    @Test(arguments: [("Error", "error"), ("Warning", "warning"), ("Info", "info"), ("Debug", "debug")])
    func levels(method: String, level: String) {
        #expect(self.json(method, #""a \"b\"\n""#) == "false")
        #expect(self.lines.all == ["\(level) a \"b\"\n"])
        let argument = self.entry("m", ("user", "7"), ("", "x"), ("user", "8"))
        #expect(self.call("\(method)WithContext", argument, .proto) == "")
        #expect(self.lines.all == ["\(level) m =x user=8"])
        #expect(self.json("\(method)WithContext", #"{"message":"m","log_attrs":[{"key":"k","value":"v"}]}"#) == "{}")
        #expect(self.lines.all == ["\(level) m k=v"])
    }

    @Test func theBytesOfPHP() {
        // LogEntry{message: "hi", log_attrs: [{key: "k", value: "v"}]}
        let bytes: [UInt8] = [0x0A, 0x02, 0x68, 0x69, 0x12, 0x06, 0x0A, 0x01, 0x6B, 0x12, 0x01, 0x76]
        #expect(self.call("InfoWithContext", ByteBuffer(bytes: bytes), .proto) == "")
        #expect(self.lines.all == ["info hi k=v"])
        #expect(self.entry("hi", ("k", "v")) == ByteBuffer(bytes: bytes))
    }

    @Test func theLevelOfTheChannelDecides() {
        #expect(self.json("Info", #""a""#, level: .warning) == "false")
        #expect(self.call("DebugWithContext", self.entry("a"), .proto, level: .warning) == "")
        #expect(self.json("Warning", #""b""#, level: .warning) == "false")
        #expect(self.lines.all == ["warning b"])
    }

    @Test func rawTextIsWrittenAsItIs() {
        #expect(self.json("Log", #""a\nb\u0000c""#, level: .critical) == "false")
        #expect(self.json("Log", "null") == "false")
        #expect(self.call("LogWithContext", self.entry("m", ("k", "v"), ("l", "w")), .proto) == "")
        #expect(self.call("LogWithContext", self.entry("m"), .proto) == "")
        #expect(self.raw.all == ["a\nb\0c", "", "m k:v,l:w", "m"])
        #expect(self.lines.all == [])
    }

    @Test func whatCannotBeReadIsAnError() {
        #expect(self.json("Info", "1") == "json: cannot use number 1: a string is needed")
        #expect(self.json("Info", "{") == "the JSON is malformed at byte 1")
        #expect(self.json("InfoWithContext", #""a""#) == "json: cannot use string: an object is needed")
        #expect(self.call("Info", ByteBuffer(), .proto) == "goridge_read_request_body: message type is not a proto")
        #expect(self.call("Log", ByteBuffer(), .raw) == "unknown Raw payload type")
        #expect(self.call("InfoWithContext", ByteBuffer(), .raw) == "unknown Raw payload type")
        #expect(
            self.call("InfoWithContext", ByteBuffer(bytes: [0x12, 0x02, 0x0A, 0x05]), .proto)
                == "proto: cannot parse invalid wire-format data")
        #expect(self.json("Critical", #""a""#) == "no method")
        #expect(self.lines.all == [])
    }

    @Test func aLongEntryIsShortened() {
        let entry = ApplicationLogEntry(
            message: "aé", attributes: [.init(key: "k", value: "éé"), .init(key: "l", value: "x")])
        #expect(entry.shortened(to: 100) == entry)
        #expect(entry.shortened(to: 9) == entry.shortened(to: 100) || entry.shortened(to: 9).attributes.count == 2)
        #expect(entry.shortened(to: 0).text == "…")
        #expect(entry.shortened(to: 1).text == "a…")
        #expect(entry.shortened(to: 2).text == "a…")
        #expect(entry.shortened(to: 3).text == "aé")
        #expect(entry.shortened(to: 5).text == "aé k:…")
        #expect(entry.shortened(to: 6).text == "aé k:é…")
        let long = String(repeating: "x", count: 2 << 20)
        #expect(self.json("Info", "\"\(long)\"") == "false")
        #expect(self.lines.all.map(\.utf8.count) == [1 << 20 + 5 + 3])
    }

    @Test func attributesAreBounded() throws {
        var buffer = ByteBuffer()
        for _ in 0..<5000 { buffer.writeBytes([0x12, 0x00]) }
        #expect(try ApplicationLogEntry(RPCCall(codec: .proto, argument: buffer)).attributes.count == 1000)
        let json = #"{"log_attrs":[\#(String(repeating: "{},", count: 5000)){}]}"#
        #expect(
            try ApplicationLogEntry(RPCCall(codec: .json, argument: ByteBuffer(string: json))).attributes.count == 1000)
    }

    @Test(arguments: [RPCCodec.proto, .json], 0..<4 as Range<UInt64>)
    func mutatedArgumentsFailOnlyTheirCall(codec: RPCCodec, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let methods = ["Info", "InfoWithContext", "LogWithContext", "Log"]
        let json = #"{"message":"é\u00e9\ud83d\ude00","log_attrs":[{"key":"k","value":"v"},{"key":"l"}]}"#
        for _ in 0..<10_000 {
            var bytes =
                codec == .json ? Array(json.utf8) : Array(self.entry("é", ("k", "v"), ("l", "")).readableBytesView)
            for _ in 0..<random.pick(1...4) {
                random.mutate(&bytes, special: codec == .json ? Array(#"{}[]":,\u"#.utf8) : [0, 2, 8, 10, 18, 255])
            }
            _ = self.call(methods[random.pick(0...3)], ByteBuffer(bytes: bytes), codec)
        }
    }
}
