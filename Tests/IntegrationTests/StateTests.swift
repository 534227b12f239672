import Foundation
import TestSupport
import Testing

extension Integration {
    /// What workers share by RPC: metrics, locks and the log.
    @Suite struct State {
        private func argument(_ name: String, _ value: Double = 1, _ label: String) -> String {
            #"{"name":"\#(name)","value":\#(value),"labels":["\#(label)"]}"#
        }

        @Test("Workers that declare and count find it on /metrics, beside what the configuration declares")
        func metrics() async throws {
            let (endpoint, metrics) = (try Endpoint.free(), try Endpoint.free())
            let declaration =
                #"{"name":"mails_total","collector":{"namespace":"app","subsystem":"","type":"counter","#
                + #""help":"Mails.","labels":["from"],"buckets":[]}}"#
            let collect = """
                metrics:
                  address: \(metrics.address)
                  collect:
                    size: {type: histogram, namespace: app, help: Sizes., buckets: [10, 100]}
                    load: {type: gauge, namespace: app, help: Load.}
                """
            let settings = try Settings(
                workers: 4, environment: ["WORKER_START": "rpc metrics.Declare \(declaration)"], more: collect
            ).withRPC(at: endpoint)
            try await withRR(settings) { rr in
                // All of them at once, at boot.
                #expect(try rr.events.all.compactMap(\.result) == ["true", "true", "true", "true"])
                let client = try rr.client()
                #expect(try client.ask("rpc metrics.Add \(self.argument("mails_total", 1, "a\\\"b"))") == "true")
                #expect(try client.ask("rpc metrics.Add \(self.argument("mails_total", 2, "a\\\"b"))") == "true")
                #expect(try client.ask(#"rpc metrics.Observe {"name":"size","value":50}"#) == "true")
                #expect(try client.ask(#"rpc metrics.Set {"name":"app_load","value":-1.5,"labels":[]}"#) == "true")
                #expect(
                    try client.ask(#"rpc metrics.Add {"name":"none","value":1}"#)
                        == "ERROR: metrics_plugin_add: undefined collector none, try first Declare the desired collector"
                )
                // Values outlive those who counted.
                let gone = rr.killWorkers()
                try rr.awaitWholePool(without: gone)
                #expect(try rr.client().ask("rpc metrics.Add \(self.argument("mails_total", 4, "c"))") == "true")
                let values = try Metrics.scrape(metrics)
                #expect(values[#"app_mails_total{from="a\"b"}"#] == 3)
                #expect(values[#"app_mails_total{from="c"}"#] == 4)
                #expect(values[#"app_size_bucket{le="10"}"#] == 0)
                #expect(values[#"app_size_bucket{le="100"}"#] == 1)
                #expect(values["app_size_sum"] == 50 && values["app_size_count"] == 1)
                #expect(values["app_load"] == -1.5)
                #expect(values["rr_application_metrics"] == 3 && values["rr_application_metric_series"] == 4)
                // A reload adds what is new.
                var changed = rr.settings
                changed.more = changed.more.replacing(
                    "    load:", with: "    more: {type: gauge, help: More.}\n    load:")
                try rr.reload(changed)
                #expect(try Metrics.scrape(metrics)["more"] == 0)
            }
        }

        @Test("Two workers on one lock: the second gets it when the first releases it, and a dead one waits no more")
        func locks() async throws {
            let (endpoint, metrics) = (try Endpoint.free(), try Endpoint.free())
            let settings = try Settings(workers: 2, more: "metrics: {address: \"\(metrics.address)\", collect: {}}")
                .withRPC(at: endpoint)
            try await withRR(settings) { rr in
                func lock(_ id: String, wait: Int = 0) -> String {
                    #"rpc lock.Lock {"resource":"r","id":"\#(id)","ttl":600000000,"wait":\#(wait)}"#
                }
                let (one, two) = (try rr.client(), try rr.client())
                #expect(try one.ask(lock("1")) == #"{"ok":true}"#)
                #expect(try two.ask(lock("2")) == #"{"ok":false}"#)
                try two.send(lock("2", wait: 600_000_000) + "\r\n")
                try eventually("it to wait") { try Metrics.scrape(metrics)["rr_lock_waiting"] == 1 }
                #expect(try one.ask(#"rpc lock.Release {"resource":"r","id":"1"}"#) == #"{"ok":true}"#)
                #expect(try two.readLine() == #"{"ok":true}"#)
                // A worker that dies while it waits.
                try one.send(lock("3", wait: 600_000_000) + "\r\n")
                try eventually("it to wait") { try Metrics.scrape(metrics)["rr_lock_waiting"] == 1 }
                rr.killWorkers()
                try eventually("it to be gone") { try Metrics.scrape(metrics)["rr_lock_waiting"] == 0 }
                let rpc = try RPCConnection(endpoint)
                #expect(try rpc.call("lock.Exists", #"{"resource":"r","id":"2"}"#) == #"{"ok":true}"#)
                #expect(try rpc.call("lock.ForceRelease", #"{"resource":"r"}"#) == #"{"ok":true}"#)
                #expect(try rpc.call("lock.Exists", #"{"resource":"r","id":"*"}"#) == #"{"ok":false}"#)
                // As PHP's client sends it: resource job, id id, for 10 s.
                try rpc.client.send(
                    RPCConnection.bytes(
                        "1580190000000c9a2e7e000001000000090000006c6f636b2e4c6f636b0a036a6f62120269641880ade2042000"))
                #expect(
                    try rpc.client.read(31)
                        == RPCConnection.bytes("15800b00000018053e84000001000000090000006c6f636b2e4c6f636b0801"))
                #expect(try rpc.call("lock.Lock", #"{"resource":"r"}"#) == "ERROR: empty ID is not allowed")
            }
        }

        @Test("What workers log has its level, channel and attributes; raw text is written as it is")
        func log() async throws {
            let endpoint = try Endpoint.free()
            let levels = "logs: {encoding: json, channels: {app: {level: warn}}}"
            try await withRR(try Settings(workers: 1, more: levels).withRPC(at: endpoint)) { rr in
                let client = try rr.client()
                #expect(try client.ask(#"rpc app.Info "not this""#) == "false")
                #expect(try client.ask(#"rpc app.Warning "a \"warning\"""#) == "false")
                let line = try rr.log.await(#"\"warning\""#)
                #expect(line.contains(#""level":"warn","msg":"a \"warning\"","logger":"app"}"#))
                let rpc = try RPCConnection(endpoint)
                // LogEntry{message: "hi", log_attrs: [{key: "k", value: "v"}]}
                try rpc.send("app.ErrorWithContext", "\u{A}\u{2}hi\u{12}\u{6}\u{A}\u{1}k\u{12}\u{1}v", flags: 0x80)
                #expect(try rpc.reply() == .init(id: 1, flags: 0x80, method: "app.ErrorWithContext", body: Data()))
                #expect(
                    try rr.log.await(#""msg":"hi""#).hasSuffix(#""level":"error","msg":"hi","logger":"app","k":"v"}"#))
                #expect(try rpc.call("app.Log", #""one, ""#) == "false")
                #expect(try rpc.call("app.Log", #""two\nthree\n""#) == "false")
                try rr.log.await("three")
                #expect(rr.log.all.suffix(2) == ["one, two", "three"])
                #expect(!rr.log.contains("not this"))
                #expect(try rpc.call("app.Critical", "\"\"") == "ERROR: rpc: can't find method app.Critical")
            }
        }

        @Test("A stuck log does not hold up those who log")
        func stuck() async throws {
            let directory = try TemporaryDirectory()
            let pipe = try StuckPipe(directory.file("pipe"))
            defer { close(pipe.release()) }
            let endpoint = try Endpoint.free()
            try await withRR(pipe.settings.withRPC(at: endpoint), in: directory) { _ in
                let rpc = try RPCConnection(endpoint)
                let text = "\"" + String(repeating: "x", count: 100_000) + "\""
                for _ in 0..<200 {
                    #expect(try rpc.call("app.Error", text) == "false")
                    #expect(try rpc.call("app.Log", text) == "false")
                }
            }
        }
    }
}
