import Foundation
import TestSupport
import Testing

extension Integration {
    /// `/health`, `/ready` and `rr health` tell the truth from the start to the end.
    @Suite struct Probes {
        private static let good = #"[{"plugin_name":"tcp","error_message":"","status_code":200}]"#

        private func ready(_ endpoint: Endpoint) throws -> HTTPAnswer {
            try HTTPAnswer.get("/ready", at: endpoint)
        }

        private func health(_ endpoint: Endpoint) throws -> HTTPAnswer {
            try HTTPAnswer.get("/health", at: endpoint)
        }

        private func probe(_ rr: RRProcess) throws -> Command.Result {
            try Command.rr("health", "-c", rr.directory.file(".rr.yaml"))
        }

        @Test("From the start over serving and draining to the exit")
        func life() async throws {
            let status = try Endpoint.free()
            let directory = try TemporaryDirectory()
            let gate = Gate(path: directory.file("start"))
            let settings = try Settings(
                environment: ["WORKER_START": gate.order],
                more: """
                    status: {address: "\(status.address)"}
                    metrics: {address: "\(status.address)"}
                    """
            )
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }

            // The workers wait, and the service with them.
            let starting = try awaitValue("an answer") { try? self.ready(status) }
            #expect(starting.status == 503)
            #expect(starting.headers["content-type"] == "application/json")
            #expect(
                starting.body
                    == #"[{"plugin_name":"tcp","error_message":"the service is starting","status_code":503}]"#
            )
            #expect(try self.health(status).body == Self.good)
            let early = try self.probe(rr)
            #expect(early.exit == .code(1) && early.output.isEmpty)
            #expect(early.errors.contains("the service is starting"))
            #expect(early.errors.split(separator: "\n").count == 1)

            try gate.open()
            try rr.awaitReady()
            #expect(try self.ready(status).body == Self.good)
            #expect(try self.health(status).status == 200)
            let serving = try self.probe(rr)
            #expect(serving.exit == .code(0) && serving.output.isEmpty && serving.errors.isEmpty)
            #expect(try Metrics.scrape(status)["rr_draining"] == 0)

            let hold = rr.gate()
            let client = try rr.client()
            try client.send("\(hold.order)\r\n")
            try eventually("the worker to have it") { try Metrics.scrape(status)["rr_tcp_workers_working"] == 1 }
            rr.process.send(signal: SIGTERM)
            try rr.log.await("signal received")
            let draining = try awaitValue("the drain") {
                try self.ready(status).status == 503 ? try self.ready(status) : nil
            }
            #expect(draining.body.contains("the service is stopping"))
            #expect(try self.health(status).body == Self.good)
            #expect(try self.probe(rr).exit == .code(1))
            let metrics = try Metrics.scrape(status)
            #expect(metrics["rr_draining"] == 1 && metrics["rr_drain_connections_left"] == 1)
            try hold.open()
            #expect(try client.readLine() == "released")
            client.close()
            try rr.expectExit(.code(0))
            #expect(throws: SystemError.self) { try Client(status) }
        }

        @Test("Plugins, paths, methods and the status code")
        func requests() async throws {
            let (status, metrics) = (try Endpoint.free(), try Endpoint.free())
            let settings = try Settings(
                more: """
                    status: {address: "\(status.address)", unavailable_status_code: 530}
                    metrics: {address: "\(metrics.address)"}
                    """
            )
            try await withRR(settings) { rr in
                for path in ["/health", "/ready"] {
                    #expect(try HTTPAnswer.get("\(path)?plugin=tcp", at: status).body == Self.good)
                    #expect(
                        try HTTPAnswer.get("\(path)?plugin=http&plugin=tcp&plugin=tcp", at: status).body == Self.good)
                    let unknown = try HTTPAnswer.get("\(path)?plugin=http", at: status)
                    #expect(unknown.status == 200 && unknown.body == "[]")
                    #expect(try HTTPAnswer.get(path, at: status, method: "HEAD").body.isEmpty)
                }
                #expect(try HTTPAnswer.get("/metrics", at: status).status == 404)
                #expect(try HTTPAnswer.get("/health", at: status, method: "POST").status == 405)
                for path in ["/metrics", "/", "/health", "/any?thing"] {
                    #expect(try Metrics.scrape(metrics, path: path)["rr_tcp_total_workers"] == 2)
                }
                let hold = rr.gate()
                let client = try rr.client()
                try client.send("\(hold.order)\r\n")
                try eventually("the worker to have it") { try Metrics.scrape(metrics)["rr_tcp_workers_working"] == 1 }
                rr.process.send(signal: SIGTERM)
                try eventually("the drain") { try self.ready(status).status == 530 }
                try hold.open()
                client.close()
                try rr.expectExit(.code(0))
            }
        }

        @Test("Workers that cannot be started any more: not ready at once, unhealthy after the time that was set")
        func storm() async throws {
            let status = try Endpoint.free()
            let directory = try TemporaryDirectory()
            let worker = try String(contentsOfFile: "\(Fixture.directory)/worker.php", encoding: .utf8)
            let wire = try String(contentsOfFile: "\(Fixture.directory)/wire.php", encoding: .utf8)
            try directory.write(worker, to: "worker.php")
            try directory.write(wire, to: "wire.php")
            var settings = try Settings(
                more: """
                    status: {address: "\(status.address)", unavailable_after: 2s}
                    metrics: {address: "\(status.address)"}
                    """
            )
            settings.command = "php worker.php"
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            #expect(try self.ready(status).status == 200)

            try directory.write("<?php exit(1);", to: "worker.php")
            rr.killWorkers()
            try eventually("not to be ready") { try self.ready(status).status == 503 }
            #expect(try self.ready(status).body.contains("no worker is ready"))
            try eventually("not to be healthy") { try self.health(status).status == 503 }
            #expect(try self.health(status).body.contains("no worker could be started for"))
            let metrics = try Metrics.scrape(status)
            #expect(try #require(metrics[#"rr_tcp_worker_restarts_total{reason="exit"}"#]) >= 2)
            #expect(try #require(metrics[#"rr_tcp_worker_restarts_total{reason="start"}"#]) >= 1)
            #expect(metrics["rr_tcp_workers_ready"] == 0 && metrics["rr_tcp_workers_working"] == 0)

            try directory.write(worker, to: "worker.php")
            try eventually("to be ready again") { try self.ready(status).status == 200 }
            #expect(try self.health(status).status == 200)
            try rr.stop()
        }

        @Test("Without unavailable_after a crash storm leaves /health alone; one busy worker is ready")
        func healthByDefault() async throws {
            let status = try Endpoint.free()
            let directory = try TemporaryDirectory()
            let worker = try String(contentsOfFile: "\(Fixture.directory)/worker.php", encoding: .utf8)
            let wire = try String(contentsOfFile: "\(Fixture.directory)/wire.php", encoding: .utf8)
            try directory.write(worker, to: "worker.php")
            try directory.write(wire, to: "wire.php")
            var settings = try Settings(workers: 1, more: "status: {address: \"\(status.address)\"}")
            settings.command = "php worker.php"
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            let client = try rr.client()
            try client.send("\(rr.gate().order)\r\n")
            try eventually("the worker to have it") { try rr.events.count("DATA") == 1 }
            #expect(try self.ready(status).status == 200)

            try directory.write("<?php exit(1);", to: "worker.php")
            rr.killWorkers()
            try eventually("not to be ready") { try self.ready(status).status == 503 }
            #expect(try self.health(status).body == Self.good)
            // The CLOSE of the client's connection waits for a worker.
            try directory.write(worker, to: "worker.php")
            try eventually("to be ready again") { try self.ready(status).status == 200 }
            try rr.stop()
        }

        @Test("max_jobs on the only worker does not make readiness flap")
        func plannedReplacement() async throws {
            let status = try Endpoint.free()
            let settings = try Settings(
                workers: 1,
                pool: ["max_jobs: 1"],
                more: "status: {address: \"\(status.address)\"}"
            )
            try await withRR(settings) { rr in
                let client = try rr.client()
                for number in 0..<20 {
                    #expect(try client.ask("hello \(number)") == "hello \(number)")
                    #expect(try self.ready(status).status == 200)
                }
            }
        }

        @Test("While connections wait for descriptors, probes are answered")
        func outOfDescriptors() async throws {
            let status = try Endpoint.free()
            var settings = try Settings(workers: 1, more: "status: {address: \"\(status.address)\"}")
            settings.launcher = ["/usr/bin/prlimit", "--nofile=150:150"]
            try await withRR(settings) { rr in
                let clients = try (0..<200).map { _ in try rr.client() }
                try rr.log.await("too many connections")
                for _ in 0..<20 {
                    #expect(try self.ready(status).status == 200)
                }
                #expect(try self.probe(rr).exit == .code(0))
                for client in clients {
                    client.close()
                }
                #expect(try rr.client().ask("as ever") == "as ever")
            }
        }

        @Test("However many connections say nothing, probes are answered")
        func silentConnections() async throws {
            let status = try Endpoint.free()
            try await withRR(Settings(workers: 1, more: "status: {address: \"\(status.address)\"}")) { rr in
                let clients = try (0..<300).map { _ in try Client(status) }
                for _ in 0..<20 {
                    #expect(try self.health(status).status == 200)
                }
                // They were there all the time: the latest still are, and did not have to go for want of patience.
                #expect(clients.suffix(30).contains { $0.isQuiet })
                #expect(try clients[0].awaitEnd() == .closed)
            }
        }

        @Test("While clients connect as fast as they can, probes are answered", arguments: [0, 127])
        func connectFlood(askedOnce: Int) async throws {
            let status = try Endpoint.free()
            try await withRR(Settings(workers: 1, more: "status: {address: \"\(status.address)\"}")) { rr in
                // They have asked and stay, as clients of some right.
                let kept = try (0..<askedOnce).map { _ in
                    let client = try Client(status)
                    try client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(try client.readLine().contains("200"))
                    return client
                }
                defer {
                    for client in kept {
                        client.close()
                    }
                }
                try await Flood.run(at: status) {
                    for _ in 0..<5 {
                        let answer = try self.health(status)
                        #expect(answer.status == 200)
                    }
                }
            }
        }

        @Test("A probe of HTTP/1.0 is answered and the connection closed")
        func oldProbe() async throws {
            let status = try Endpoint.free()
            try await withRR(Settings(workers: 1, more: "status: {address: \"\(status.address)\"}")) { rr in
                let client = try Client(status)
                try client.send("GET /health HTTP/1.0\r\n\r\n")
                let answer = try client.readToEnd().text
                #expect(answer.hasPrefix("HTTP/1.0 200 OK\r\n") && answer.hasSuffix(Self.good), "\(answer)")
                // As `printf … | nc` sends it.
                let half = try Client(status)
                try half.send("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
                try half.endSending()
                #expect(try half.readToEnd().text.hasSuffix(Self.good))
            }
        }

        @Test("A unix socket that another one serves is not taken away, nor removed at the end")
        func unixSocketInUse() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let status = Endpoint.unix(path: directory.file("admin.sock"))
            let more = "status: {address: \"\(status.address)\"}"
            try await withRR(Settings(workers: 1, more: more)) { rr in
                let second = try RRProcess(Settings(workers: 1, more: more))
                defer { second.destroy() }
                try second.expectExit(.code(1))
                #expect(second.log.contains("status.address") && second.log.contains("in use"), "\(second.log.text)")
                #expect(try self.ready(status).status == 200)
            }
            #expect(access(directory.file("admin.sock"), F_OK) != 0)
        }

        @Test("An address that is taken ends the start with one line", arguments: ["status", "metrics"])
        func takenAddress(section: String) async throws {
            let endpoint = try Endpoint.free()
            let descriptor = try endpoint.socket()
            defer { close(descriptor) }
            try check(endpoint.withAddress { bind(descriptor, $0, $1) }, "bind")
            try check(listen(descriptor, 1), "listen")
            let rr = try RRProcess(Settings(more: "\(section): {address: \"\(endpoint.address)\"}"))
            defer { rr.destroy() }
            try rr.expectExit(.code(1))
            try rr.log.awaitEnd()
            let last = try #require(rr.log.all.last)
            #expect(last.contains("cannot listen on \(endpoint.address) (\(section).address): "), "\(last)")
            #expect(last.contains("in use"))
        }

        @Test("rr health without a status section, and with a bad file, says what to do")
        func healthCommand() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let file = try directory.write(Settings().yaml(events: "/dev/null"), to: ".rr.yaml")
            let result = try Command.rr("health", "-c", file)
            #expect(result.exit == .code(1) && result.output.isEmpty)
            #expect(result.errors.contains("there is no `status` section"))
            #expect(try Command.rr("health", "--if-configured", "-c", file).exit == .code(0))
            let unused = try Endpoint.free()
            let nobody = try Command.rr("health", "-c", file, "-o", "status.address=\(unused.address)")
            #expect(nobody.exit == .code(1))
            let asked = try Command.rr(
                "health", "--if-configured", "-c", file, "-o", "status.address=\(unused.address)"
            )
            #expect(asked.exit == .code(1))
            #expect(nobody.errors.contains("Connection refused"))
            #expect(nobody.errors.split(separator: "\n").count == 1)
            #expect(try Command.rr("health", "-c", directory.file("missing.yaml")).exit == .code(1))
        }

        @Test("A wildcard address is asked on loopback", arguments: ["0.0.0.0:", ":"])
        func wildcard(host: String) async throws {
            guard case .ipv4(let port) = try Endpoint.free() else { return }
            try await withRR(Settings(more: "status: {address: \"\(host)\(port)\"}")) { rr in
                let result = try self.probe(rr)
                #expect(result.exit == .code(0), "\(result.errors)")
            }
        }
    }
}
