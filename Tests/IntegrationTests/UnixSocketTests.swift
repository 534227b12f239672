import Foundation
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
