import Foundation
import TestSupport
import Testing

extension Integration {
    /// The files of unix sockets.
    @Suite struct UnixSockets {
        private func mode(_ path: String) -> mode_t? {
            var status = stat()
            return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
        }

        @Test("A server's socket has the mode that is configured; a reload changes it")
        func mode() async throws {
            let directory = try TemporaryDirectory()
            let path = directory.file("server.sock")
            try await withRR(Settings(.init(at: .unix(path: path), "socket_mode: \"0620\"")), in: directory) { rr in
                #expect(self.mode(path) == 0o620)
                #expect(try rr.client().ask("hello") == "hello")
                var settings = rr.settings
                settings.servers[0].options = ["socket_mode: 0606"]
                try rr.reload(settings)
                #expect(self.mode(path) == 0o606)
                settings.servers[0].options = []
                try rr.reload(settings)
                #expect(self.mode(path).map { $0 & 0o700 } == 0o700)
            }
            #expect(self.mode(path) == nil)
        }

        @Test("Whoever locks the directory keeps rr neither from starting nor from reloading")
        func lockedDirectory() async throws {
            let directory = try TemporaryDirectory()
            let lock = try check(open(directory.file("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open")
            try check(flock(lock, LOCK_EX), "flock")
            defer { close(lock) }
            let server = try Settings.Server(at: .unix(path: directory.file("server.sock")))
            var settings = try Settings(
                server,
                more: "status: {address: \"unix://\(directory.file("status.sock"))\"}"
            )
            settings.server = ["relay: \"unix://\(directory.file("relay.sock"))\""]
            try await withRR(settings, in: directory) { rr in
                #expect(rr.log.count(of: "cannot be locked") == 3)
                #expect(try rr.client().ask("hello") == "hello")
                var settings = rr.settings
                settings.servers.append(try .init("other", at: .unix(path: directory.file("other.sock"))))
                try rr.reload(settings)
                #expect(rr.log.count(of: "cannot be locked") == 4)
                let client = try Client(settings.servers[1].endpoint)
                #expect(try client.ask("hello") == "hello")
            }
        }

        @Test("Whoever leaves at once leaves no file behind")
        func leavingAtOnce() async throws {
            let directory = try TemporaryDirectory()
            let names = ["server.sock", "status.sock", "metrics.sock", "relay.sock"]
            let paths = names.map { directory.file($0) }
            var settings = try Settings(
                .init(at: .unix(path: paths[0])),
                more: """
                    status: {address: "unix://\(paths[1])"}
                    metrics: {address: "unix://\(paths[2])"}
                    endure: {drain_delay: 60s, grace_period: 120s}
                    """
            )
            settings.server = ["relay: \"unix://\(paths[3])\""]
            try await withRR(settings, in: directory) { rr in
                #expect(paths.allSatisfy { self.mode($0) != nil })
                rr.process.send(signal: SIGTERM)
                try rr.log.await("signal received")
                rr.process.send(signal: SIGTERM)
                try rr.expectExit(.code(1))
                #expect(paths.filter { self.mode($0) != nil } == [])
            }
        }

        @Test("Of two that start at the same time one serves, and the other says why it does not")
        func race() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let settings = try Settings(.init(at: .unix(path: directory.file("server.sock"))), workers: 1)
            let both = try [RRProcess(settings), RRProcess(settings)]
            defer {
                for rr in both {
                    rr.destroy()
                }
            }
            let loser = try awaitValue("one of them to give up") { both.first { $0.process.hasExited } }
            let winner = both[0] === loser ? both[1] : both[0]
            try loser.expectExit(.code(1))
            #expect(loser.log.contains("in use"), "\(loser.log.text)")
            try winner.awaitReady()
            #expect(try winner.client().ask("hello") == "hello")
            try winner.stop()
            #expect(self.mode(directory.file("server.sock")) == nil)
        }
    }
}
