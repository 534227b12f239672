import NIOCore
import RPC
import Synchronization
import TestSupport
import Testing

@testable import ApplicationMetrics

@Suite struct MetricsServiceTests {
    private final class Warnings: Sendable {
        let lines = Mutex<[String]>([])
    }

    private let registry = MetricsRegistry(isReserved: { $0.hasPrefix("rr_") })
    private let warnings = Warnings()
    private let methods: [String: RPCMethod]

    init() {
        let warnings = self.warnings
        self.methods = MetricsService(self.registry) { line in warnings.lines.withLock { $0.append(line) } }.rpc.methods
    }

    private func call(_ method: String, _ argument: ByteBuffer, _ codec: RPCCodec = .json) -> String {
        guard case .immediate(let body) = self.methods[method] else { return "no method" }
        do throws(RPCError) {
            return String(buffer: try body(RPCCall(codec: codec, argument: argument)))
        } catch {
            return error.text
        }
    }

    private func call(_ method: String, _ argument: String) -> String {
        self.call(method, ByteBuffer(string: argument))
    }

    private func declare(_ name: String, _ type: String, _ more: String = "") -> String {
        self.call(
            "Declare",
            #"{"name":"\#(name)","collector":{"namespace":"","subsystem":"","type":"\#(type)","help":"","labels":[],"#
                + #""buckets":[]\#(more)}}"#)
    }

    @Test func theCallsOfPHP() {
        #expect(
            self.call(
                "Declare",
                #"{"name":"mails","collector":{"namespace":"app","subsystem":"","type":"counter","help":"Mails.","labels":["in"],"buckets":[]}}"#
            ) == "true")
        #expect(self.call("Add", #"{"name":"mails","value":1,"labels":["in"]}"#) == "true")
        #expect(self.declare("load", "gauge") == "true")
        #expect(self.call("Set", #"{"name":"load","value":1.5,"labels":[]}"#) == "true")
        #expect(self.call("Add", #"{"name":"load","value":2,"labels":null}"#) == "true")
        #expect(self.call("Sub", #"{"name":"load","value":0.5}"#) == "true")
        #expect(self.declare("times", "histogram") == "true")
        #expect(self.call("Observe", #"{"name":"times","value":0.3,"labels":[]}"#) == "true")
        #expect(self.declare("sizes", "summary", #","objectives":{"0.5":0.05}"#) == "true")
        #expect(self.call("Observe", #"{"Name":"sizes","VALUE":3}"#) == "true")
        #expect(self.registry.counts == MetricsCounts(metrics: 4, series: 4))
        #expect(self.call("Unregister", #""sizes""#) == "true")
        #expect(self.registry.counts.metrics == 3)
    }

    @Test func declaringAgain() {
        #expect(self.declare("x", "gauge") == "true")
        #expect(self.declare("x", "gauge") == "true")
        #expect(self.warnings.lines.withLock { $0 } == [])
        #expect(
            self.declare("x", "counter")
                == "metrics_plugin_declare: tried to register existing collector x: it is a gauge with the labels [] and the "
                + "help ``, not a counter with the labels [] and the help ``")
        #expect(self.warnings.lines.withLock(\.count) == 1)
    }

    @Test func theErrorsOfRoadRunner() {
        for (name, type) in [("c", "counter"), ("g", "gauge"), ("h", "histogram")] {
            #expect(self.declare(name, type) == "true")
            let labelled = #"{"name":"l\#(name)","collector":{"type":"\#(type)","labels":["a"]}}"#
            #expect(self.call("Declare", labelled) == "true")
        }
        func change(_ method: String, _ name: String, _ labels: String = "[]", value: String = "1") -> String {
            self.call(method, #"{"name":"\#(name)","value":\#(value),"labels":\#(labels)}"#)
        }
        #expect(
            change("Add", "x") == "metrics_plugin_add: undefined collector x, try first Declare the desired collector")
        #expect(change("Sub", "x") == "metrics_plugin_sub: undefined collector x")
        #expect(change("Set", "x") == "metrics_plugin_set: undefined collector x")
        #expect(change("Observe", "x") == "metrics_plugin_observe: undefined collector x")
        #expect(self.call("Unregister", #""x""#) == "metrics_plugin_unregister: undefined collector x")
        #expect(change("Add", "h") == "metrics_plugin_add: collector h does not support method `Add`")
        #expect(change("Sub", "c") == "metrics_plugin_sub: collector `c` does not support method `Sub`")
        #expect(change("Set", "c") == "metrics_plugin_set: collector `c` does not support method Set")
        #expect(change("Observe", "g") == "metrics_plugin_observe: collector `g` does not support method `Observe`")
        #expect(change("Add", "lc") == "metrics_plugin_add: required labels for collector `lc`")
        #expect(change("Add", "lg") == "metrics_plugin_add: required labels for collector lg")
        #expect(change("Observe", "lh") == "metrics_plugin_observe: required labels for collector `lh`")
        #expect(
            change("Set", "lg", #"["a","b"]"#)
                == #"metrics_plugin_set: inconsistent label cardinality: expected 1 label values but got 2 in []string{"a", "b"}"#
        )
        #expect(change("Add", "c", value: "-1") == "metrics_plugin_add: counter cannot decrease in value: c")
        #expect(
            change("Add", "c", value: "1e999") == "json: cannot use number 1e999 for value: a finite number is needed")
        #expect(self.declare("x", "meter") == "metrics_plugin_declare: unknown collector type meter")
        #expect(
            self.call("Add", ByteBuffer(), .proto) == "goridge_read_request_body: message type is not a proto")
        #expect(self.call("Add", ByteBuffer(string: "x"), .raw) == "unknown Raw payload type")
        #expect(self.call("Add", "[") == "the JSON is malformed at byte 1")
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func mutatedArgumentsFailOnlyTheirCall(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let methods = self.methods.keys.sorted()
        let numbers = ["0", "-1", "1.5", "1e308", "-1e308", "1e-320", "9223372036854775808"]
        for _ in 0..<5000 {
            let name = "m\(random.pick(0...3))"
            let number = numbers[random.pick(0...6)]
            let type = ["counter", "gauge", "histogram", "summary"][random.pick(0...3)]
            let texts = [
                #"{"name":"\#(name)","value":\#(number),"labels":["a"]}"#, #""\#(name)""#,
                #"{"name":"\#(name)","collector":{"namespace":"","type":"\#(type)","help":"h","labels":["a"],"#
                    + #""buckets":[0.1,\#(number)],"objectives":{"0.5":0.01,"0.9":0}}}"#,
            ]
            var bytes = Array(texts[random.pick(0...2)].utf8)
            for _ in 0..<random.pick(0...4) {
                random.mutate(&bytes, special: Array(#"{}[]":,\-9eE.u_"#.utf8))
            }
            _ = self.call(methods[random.pick(0...5)], ByteBuffer(bytes: bytes))
        }
        _ = self.registry.snapshots()
    }
}
