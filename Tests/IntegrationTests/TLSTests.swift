import Foundation
import TestSupport
import Testing

extension Integration {
    /// Connections that are encrypted, with clients of others: Python's `ssl`, `openssl s_client`, `curl`.
    @Suite struct TLS {
        /// Lines of a server's section `tls`.
        static func lines(_ certificates: Certificates, _ name: String = "server", _ more: String...) -> [String] {
            ["tls:", "  cert: \(certificates.file("\(name).crt"))", "  key: \(certificates.file("\(name).key"))"]
                + more.map { "  \($0)" }
        }

        static func settings(_ options: [String], metrics: Endpoint? = nil) throws -> Settings {
            var settings = try Settings(
                workers: 2, more: metrics.map { "metrics: {address: \"\($0.address)\"}" } ?? "")
            settings.servers[0].options = options
            return settings
        }

        /// Runs a scenario of the client to its end.
        @discardableResult
        static func client(
            _ scenario: String, argument: String? = nil, _ rr: RRProcess, _ certificates: Certificates,
            location: SourceLocation = #_sourceLocation
        ) throws -> String {
            let result = try Command.run(
                self.command(scenario, argument, rr, certificates), environment: ["PYTHONDONTWRITEBYTECODE": "1"])
            #expect(
                result.exit == .code(0), "\(scenario): \(result.output)\n\(result.errors)", sourceLocation: location)
            return result.output
        }

        static func command(
            _ scenario: String, _ argument: String?, _ rr: RRProcess, _ certificates: Certificates
        ) throws -> [String] {
            let port = try #require(try rr.endpoint().port)
            return [
                "/usr/bin/env", "python3", "\(Fixture.directory)/tls_client.py", "\(port)",
                certificates.directory.path, scenario,
            ] + [argument].compactMap { $0 }
        }

        /// Whether a handshake shows the certificate of a version.
        static func isPresented(_ version: String, _ rr: RRProcess, _ certificates: Certificates) throws -> Bool {
            let port = try #require(try rr.endpoint().port)
            let result = try Command.run(
                ["/usr/bin/env", "openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-servername", "localhost"])
            let text = try String(contentsOfFile: certificates.file("\(version)/server.crt"), encoding: .utf8)
            return result.output.contains(text)
        }

        static func certificates() throws -> Certificates {
            let certificates = try Certificates()
            try certificates.make("server", names: "DNS:localhost,IP:127.0.0.1", usage: "serverAuth")
            return certificates
        }

        @Test("Versions, names and protocols; workers are told what was agreed")
        func agreement() async throws {
            let certificates = try Self.certificates()
            defer { certificates.remove() }
            try certificates.make("other", names: "DNS:other.example")
            let options = Self.lines(
                certificates, "server", "strict_sni: true", "alpn: [smtp]",
                "certificates: [{cert: \(certificates.file("other.crt")), key: \(certificates.file("other.key"))}]")
            let metrics = try Endpoint.free()
            try await withRR(Self.settings(options, metrics: metrics)) { rr in
                let seen = try Self.client("versions,names", rr, certificates)
                #expect(
                    seen.contains(
                        #"\"event\":\"DATA\",\"tls\":{\"version\":\"1.3\",\"cipher\":\""#), "\(seen)")
                #expect(
                    seen.contains(
                        #"\",\"sni\":\"localhost\",\"alpn\":\"smtp\",\"verified\":false}}"#
                    ), "\(seen)")
                let closed = "rr_tcp_connections_closed_total"
                // The clients were first to know.
                try eventually("them to be counted") {
                    try Metrics.scrape(metrics)[#"\#(closed){server="main",reason="tls_refused"}"#] == 2
                }
                let counts = try Metrics.scrape(metrics)
                #expect(counts[#"\#(closed){server="main",reason="tls_version"}"#] == 1)
                #expect(counts[#"\#(closed){server="main",reason="tls_unknown_name"}"#] == 1)
                #expect(counts[#"\#(closed){server="main",reason="tls_error"}"#] == 0)
                let expiry = counts.values.filter {
                    $0.key.hasPrefix("rr_tcp_tls_certificate_expiry_timestamp_seconds")
                }
                #expect(expiry.count == 2)
                #expect(expiry.values.allSatisfy { $0 > Date().timeIntervalSince1970 })
                #expect(expiry.keys.allSatisfy { $0.contains(#"{server="main",key="tcp.servers.main.tls","#) })
                try rr.log.await("debug", "a connection is refused", "nobody.example")
            }
        }

        @Test("Clients are verified: nobody gets in who should not, and workers learn who did")
        func clients() async throws {
            let certificates = try Self.certificates()
            defer { certificates.remove() }
            try certificates.make("device", subject: "/O=Acme/CN=device-17", names: "DNS:device", usage: "clientAuth")
            try certificates.make("expired", usage: "clientAuth", days: -1)
            try certificates.make("purpose", usage: "serverAuth")
            try certificates.makeAuthority("others")
            try certificates.make("stranger", usage: "clientAuth", by: "others")
            try certificates.makeAuthority("self")
            let options = Self.lines(
                certificates, "server", "root_ca: \(certificates.file("ca.crt"))",
                "client_auth_type: require_and_verify_client_cert")
            let metrics = try Endpoint.free()
            try await withRR(Self.settings(options, metrics: metrics)) { rr in
                let seen = try Self.client("clients", rr, certificates)
                #expect(
                    seen.contains(#"\"verified\":true,\"subject\":\"CN=device-17,O=Acme\",\"san\":[\"DNS:device\"]"#),
                    "\(seen)")
                let counts = try Metrics.scrape(metrics)
                #expect(
                    counts[#"rr_tcp_connections_closed_total{server="main",reason="tls_client_certificate"}"#] == 10)
                try eventually("3 CLOSE") { try rr.events.count("CLOSE") == 3 }
                #expect(try rr.events.count("CONNECTED") == 3, "a refused handshake wakes no worker")
                try rr.log.await("the client shows no certificate")
                try rr.log.await("the client's certificate is not trusted")
            }
        }

        @Test("What is no handshake, or too slow a one, ends and is counted; no worker hears of it")
        func faults() async throws {
            let certificates = try Self.certificates()
            defer { certificates.remove() }
            let metrics = try Endpoint.free()
            let options = Self.lines(certificates, "server", "handshake_timeout: 1s")
            try await withRR(Self.settings(options, metrics: metrics)) { rr in
                try Self.client("foreign,slow", rr, certificates)
                try rr.log.await("debug", "a connection is refused", "the client spoke HTTP", "127.0.0.1:")
                let closed = #"rr_tcp_connections_closed_total{server="main",reason"#
                let counts = try Metrics.scrape(metrics)
                #expect(counts[closed + #"="not_tls"}"#] == 3)
                #expect(counts[closed + #"="tls_timeout"}"#] == 3)
                #expect(counts[closed + #"="tls_error"}"#] == 1)
                #expect(counts[#"rr_tcp_connections{server="main"}"#] == 0)
                #expect(try rr.events.count("CONNECTED") == 0)
            }
        }

        @Test("The promises of a connection hold: large packets, half-close, the end, a drain in mid-handshake")
        func promises() async throws {
            let certificates = try Self.certificates()
            defer { certificates.remove() }
            try await withRR(Self.settings(Self.lines(certificates))) { rr in
                try Self.client("promises,half_close,half_close_large,truncated,close_notify", rr, certificates)
                try rr.events.await("CLOSE", count: 5)
                for uuid in Set(try rr.events.all.compactMap(\.uuid)) {
                    let events = try rr.events.all.filter { $0.uuid == uuid }.map(\.event)
                    #expect(events.first == "CONNECTED" && events.last == "CLOSE", "\(events)")
                    #expect(events.count { $0 == "CLOSE" } == 1 && events.contains("DATA"), "\(events)")
                }
                let held = try ChildProcess(
                    Self.command("hold", nil, rr, certificates), environment: Command.environment, directory: "/tmp")
                try held.standardOutput.await("held")
                try rr.stop()
                #expect(try held.awaitExit() == .code(0), "\(held.standardError.text)")
                #expect(try rr.events.count("CONNECTED") == rr.events.count("CLOSE"))
            }
        }

        @Test("A client that does not read is bounded as one in clear is")
        func slowReader() async throws {
            let certificates = try Self.certificates()
            defer { certificates.remove() }
            let metrics = try Endpoint.free()
            var settings = try Self.settings(Self.lines(certificates), metrics: metrics)
            settings.tcp = ["max_pending: 4"]
            try await withRR(settings) { rr in
                let slow = try ChildProcess(
                    Self.command("big", "16000000", rr, certificates), environment: Command.environment,
                    directory: "/tmp")
                defer { slow.send(signal: SIGKILL) }
                try slow.standardOutput.await("asked")
                try eventually("the answer to be pending") {
                    try Metrics.scrape(metrics)["rr_tcp_pending_bytes"] ?? 0 >= Double(4 << 20)
                }
                try rr.log.await("does not read its answers")
                try eventually("nothing to be pending") { try Metrics.scrape(metrics)["rr_tcp_pending_bytes"] == 0 }
                let series = #"rr_tcp_connections_closed_total{server="main",reason="slow_reader"}"#
                #expect(try Metrics.scrape(metrics)[series] == 1)
            }
        }

        @Test("Certificates are renewed under handshakes by a swapped link; a bad pair changes nothing")
        func renewal() async throws {
            let certificates = try Self.certificates()
            defer { certificates.remove() }
            let manager = FileManager.default
            for version in ["1", "2", "bad"] {
                try certificates.make("server", names: "DNS:localhost")
                try manager.createDirectory(
                    atPath: certificates.file(version), withIntermediateDirectories: true)
                for name in ["server.crt", "server.key"] where version != "bad" || name == "server.crt" {
                    try manager.moveItem(
                        atPath: certificates.file(name), toPath: certificates.file("\(version)/\(name)"))
                }
            }
            try manager.copyItem(
                atPath: certificates.file("1/server.key"), toPath: certificates.file("bad/server.key"))
            // As Kubernetes does it.
            func link(_ version: String) throws {
                try manager.createSymbolicLink(atPath: certificates.file("new"), withDestinationPath: version)
                try check(rename(certificates.file("new"), certificates.file("data")), "rename")
            }
            try link("1")
            let metrics = try Endpoint.free()
            try await withRR(Self.settings(Self.lines(certificates, "data/server"), metrics: metrics)) { rr in
                let gate = rr.gate()
                let session = try ChildProcess(
                    Self.command("long", gate.path, rr, certificates), environment: Command.environment,
                    directory: "/tmp")
                try session.standardOutput.await("held")
                let swapping = try ChildProcess(
                    Self.command("swap", "4", rr, certificates), environment: Command.environment, directory: "/tmp")
                for _ in 0..<3 {
                    for version in ["2", "1", "2"] {
                        try link(version)
                        usleep(100_000)
                    }
                }
                try rr.log.await("certificates were read anew", "tcp.servers.main.tls")
                try eventually("the second certificate") {
                    try Self.isPresented("2", rr, certificates)
                }
                try link("bad")
                let line = try rr.log.await("changed certificates cannot be used, the old ones stay")
                #expect(line.contains("data/server.key: is not the key of"), "\(line)")
                #expect(try Self.isPresented("2", rr, certificates))
                let failures = #"rr_tcp_tls_reload_failures_total{server="main",key="tcp.servers.main.tls"}"#
                #expect(try Metrics.scrape(metrics)[failures] == 1)
                let rejected = #"rr_tcp_tls_certificate_rejected{server="main",key="tcp.servers.main.tls"}"#
                #expect(try Metrics.scrape(metrics)[rejected] == 1)
                // The whole reload is refused, and says why.
                let verdict = try rr.reload()
                #expect(verdict.contains("was not reloaded") && verdict.contains("is not the key of"), "\(verdict)")
                #expect(try swapping.awaitExit() == .code(0), "\(swapping.standardError.text)")
                let seen = swapping.standardOutput.text.split(separator: " ")
                #expect(seen.count == 3, "both, and no other: \(seen)")
                // SIGHUP does the same at once, and takes new keys.
                try link("1")
                var settings = Self.lines(certificates, "data/server", "min_version: \"1.3\"")
                settings.insert("framing: split", at: 0)
                var changed = rr.settings
                changed.servers[0].options = settings
                #expect(try rr.reload(changed).contains("was reloaded"))
                #expect(try Metrics.scrape(metrics)[rejected] == 0)
                #expect(try Self.isPresented("1", rr, certificates))
                // A client that was there before all that goes on.
                try gate.open()
                #expect(try session.awaitExit() == .code(0), "\(session.standardError.text)")
            }
        }

        @Test("STARTTLS: the answer in clear, then the same connection encrypted; nothing can be slipped in")
        func startTLS() async throws {
            let certificates = try Self.certificates()
            defer { certificates.remove() }
            let metrics = try Endpoint.free()
            let options = Self.lines(certificates, "server", "starttls: true") + ["framing: split"]
            try await withRR(Self.settings(options, metrics: metrics)) { rr in
                let seen = try Self.client("starttls", rr, certificates).split(separator: "\n")
                #expect(seen.first?.contains(#"\"event\":\"DATA\",\"starttls\":true}"#) == true, "\(seen)")
                #expect(seen.last?.contains(#"\"event\":\"DATA\",\"tls\":{\"version\":\"1.3\","#) == true, "\(seen)")
                let uuids = try rr.events.all.compactMap(\.uuid)
                #expect(Set(uuids).count == 1)
                #expect(
                    try rr.events.awaitClose(of: #require(rr.events.all.first { $0.uuid != nil }?.remoteAddress))
                        == ["CONNECTED", "DATA", "DATA", "DATA", "DATA", "CLOSE"])
                try rr.log.await("a worker answered STARTTLS, which needs")

                try Self.client("injection", rr, certificates)
                try rr.log.await("more in clear behind a command that starts TLS")
                try rr.events.await("CLOSE", count: 4)
                #expect(try rr.events.count("CONNECTED") == 4)
                #expect(try rr.events.count("DATA") == 7, "what was slipped in is no event")
                let closed = #"rr_tcp_connections_closed_total{server="main",reason"#
                let counts = try Metrics.scrape(metrics)
                #expect(counts[closed + #"="starttls_injection"}"#] == 1)
                #expect(counts[closed + #"="not_tls"}"#] == 1)
                #expect(counts[closed + #"="incomplete"}"#] == 1)
                #expect(counts[closed + #"="silent"}"#] == 0)
            }
        }

        @Test("Probes and metrics are encrypted, for those who have a certificate")
        func admin() async throws {
            let certificates = try Self.certificates()
            defer { certificates.remove() }
            try certificates.make("device", usage: "clientAuth")
            let (status, metrics) = (try Endpoint.free(), try Endpoint.free())
            func file(_ name: String) -> String { certificates.file(name) }
            let pair = "cert: \(file("server.crt")), key: \(file("server.key"))"
            var settings = try Settings()
            settings.more = """
                status: {address: "\(status.address)", tls: {\(pair)}}
                metrics:
                  address: "\(metrics.address)"
                  tls: {\(pair), root_ca: \(file("ca.crt")), client_auth_type: require_and_verify_client_cert}
                """
            try await withRR(settings) { _ in
                func curl(_ url: String, _ options: String...) throws -> String {
                    let arguments = ["/usr/bin/env", "curl", "-sS", "--cacert", file("ca.crt"), url]
                    let result = try Command.run(arguments + options)
                    return result.output + result.errors
                }
                #expect(try curl("https://\(status.address)/ready", "-w", "%{http_code}").hasSuffix("200"))
                #expect(try curl("http://\(status.address)/ready").contains("curl:"))
                let text = try curl(
                    "https://\(metrics.address)/metrics", "--cert", file("device.crt"), "--key", file("device.key"))
                #expect(text.contains(#"rr_tcp_tls_certificate_expiry_timestamp_seconds{server="",key="metrics.tls""#))
                #expect(try curl("https://\(metrics.address)/metrics").contains("curl:"))
            }
        }

        @Test("rr check and the start name the line of a key that is another certificate's")
        func pairs() async throws {
            let certificates = try Self.certificates()
            defer { certificates.remove() }
            try certificates.make("other")
            var settings = try Self.settings(Self.lines(certificates))
            settings.servers[0].options[2] = "  key: \(certificates.file("other.key"))"
            let file = try certificates.directory.write(settings.yaml(events: "/dev/null"), to: ".rr.yaml")
            let line = settings.yaml(events: "/dev/null").split(separator: "\n").firstIndex { $0.contains("other.key") }
            for command in ["check", "serve"] {
                let result = try Command.rr(command, "-c", file)
                #expect(result.exit == .code(1))
                let place = ".rr.yaml:\(try #require(line) + 1): tcp.servers.main.tls.key: "
                #expect(
                    result.errors.contains(place) && result.errors.contains("is not the key of"), "\(result.errors)")
            }
        }
    }
}
