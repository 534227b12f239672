import Foundation
import TestSupport
import Testing

extension Integration {
    /// sd_notify(3), as systemd listens to it.
    @Suite struct ServiceManager {
        @Test("It says when it is ready, reloads, lives and stops", arguments: [true, false])
        func life(isAbstract: Bool) async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let socket = try NotifySocket(path: isAbstract ? "@rr-\(UUID())" : directory.file("notify"))
            var settings = try Settings()
            settings.ownEnvironment = ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "200000"]
            try await withRR(settings) { rr in
                #expect(try socket.receiveState() == "READY=1")
                let client = try rr.client()
                let environment = try client.ask("environment")
                #expect(!environment.contains("NOTIFY_SOCKET") && !environment.contains("WATCHDOG"))
                try rr.reload()
                let reloading = try socket.receiveState()
                #expect(reloading.hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
                #expect(try socket.receiveState() == "READY=1")
                var message = ""
                while message != "WATCHDOG=1" {
                    message = try socket.receive()
                }
                try rr.stop()
                #expect(try socket.receiveState() == "STOPPING=1")
            }
        }

        @Test("Nobody listens: it does not matter")
        func nobody() async throws {
            var settings = try Settings()
            settings.ownEnvironment = ["NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "x"]
            try await withRR(settings) { rr in
                let answer = try rr.client().ask("hello")
                #expect(answer == "hello")
            }
        }
    }
}
