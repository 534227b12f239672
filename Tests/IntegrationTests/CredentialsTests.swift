import Foundation
import TestSupport
import Testing

extension Integration {
    /// `server.user` and `server.group`: docs/protocol.md.
    @Suite struct Credentials {
        /// A worker's report about itself, along with its handshake.
        private static let script = """
            <?php
            require 'wire.php';
            receive() ?? exit(0);
            send(FLAG_CONTROL, [], json_encode(['pid' => getmypid()]));
            while ((receive() ?? [FLAG_CONTROL])[0] !== FLAG_CONTROL) {
                $ids = [posix_getuid(), posix_geteuid(), posix_getgid(), posix_getegid(), ...posix_getgroups()];
                answer('WRITE', implode(' ', array_values(array_unique($ids))) . "\\r\\n");
            }
            """

        private static func directory() throws -> TemporaryDirectory {
            let directory = try TemporaryDirectory()
            try directory.write(Self.script, to: "own.php")
            try FileManager.default.copyItem(
                atPath: "\(Fixture.directory)/wire.php", toPath: directory.file("wire.php"))
            try check(chmod(directory.path, 0o755), "chmod")
            return directory
        }

        private static func start(_ server: String...) throws -> RRProcess {
            var settings = try Settings()
            settings.command = "php own.php"
            settings.server = server
            return try RRProcess(settings, directory: self.directory())
        }

        @Test(
            "Workers run as the user and group that are named, with no other group",
            .enabled(if: getuid() == 0, "only root may"),
            arguments: [
                ["user: nobody"], ["user: nobody", "group: daemon"], ["group: daemon"], ["user: \"65534\""],
            ]
        )
        func otherUser(server: [String]) async throws {
            var settings = try Settings()
            settings.command = "php own.php"
            settings.server = server
            let rr = try RRProcess(settings, directory: Self.directory())
            defer { rr.destroy() }
            try rr.awaitReady()
            let user = server[0].hasPrefix("user") ? Int(try #require(getpwnam("nobody")).pointee.pw_uid) : 0
            let group =
                server.last == "group: daemon"
                ? Int(try #require(getgrnam("daemon")).pointee.gr_gid)
                : Int(try #require(getpwnam("nobody")).pointee.pw_gid)
            let ids = try rr.client().ask("who?").split(separator: " ").compactMap { Int($0) }
            #expect(Set(ids) == [user, group])
            for worker in rr.workers {
                let status = try String(contentsOfFile: "/proc/\(worker)/status", encoding: .utf8)
                #expect(status.contains("SigBlk:\t0000000000000000\n"))
            }
            // Killing them and asking them to stop needs no more than root has.
            let before = rr.killWorkers()
            try rr.awaitWholePool(without: before)
            #expect(try rr.client().ask("who?").isEmpty == false)
            try rr.stop()
        }

        @Test(
            "A user or group that does not exist is named at the start",
            arguments: ["user: no-such-user", "group: no-such-group", "user: \"4000000123\""]
        )
        func unknown(server: String) async throws {
            let rr = try Self.start(server)
            defer { rr.destroy() }
            #expect(try rr.process.awaitExit() == .code(1))
            try rr.log.awaitEnd()
            let name = try #require(server.split(separator: " ").last).replacing("\"", with: "")
            #expect(rr.log.all.last?.contains(name) == true, "\(rr.log.text)")
            #expect(rr.leftovers.isEmpty)
        }

        @Test(
            "Workers of another user over a relay: where who connects cannot be verified, the log says what to do",
            .enabled(if: getuid() == 0, "only root may")
        )
        func relayWithoutPtrace() async throws {
            func start(relay: String) throws -> RRProcess {
                var settings = try Settings(pool: ["allocate_timeout: 3s"])
                settings.command = "php own.php"
                settings.server = ["user: nobody", "relay: \"\(relay)\""]
                // As in a container.
                settings.launcher = ["/usr/bin/setpriv", "--bounding-set", "-sys_ptrace"]
                return try RRProcess(settings, directory: Self.directory())
            }
            let refused = try start(relay: "tcp://\(try Endpoint.free().address)")
            defer { refused.destroy() }
            try refused.expectExit(.code(1))
            #expect(refused.log.contains("CAP_SYS_PTRACE") && refused.log.contains("unix://"), "\(refused.log.text)")
            let served = try start(relay: "unix://relay.sock")
            defer { served.destroy() }
            try served.awaitReady()
            #expect(try !served.client().ask("who?").isEmpty)
            try served.stop()
        }

        @Test("Who is not root may not name another user", .enabled(if: getuid() == 0, "only root can become nobody"))
        func notRoot() async throws {
            let directory = try Self.directory()
            defer { directory.remove() }
            // The binary, too, must be within reach.
            let binary = directory.file("rr")
            try FileManager.default.copyItem(atPath: Fixture.binary(), toPath: binary)
            var settings = try Settings()
            settings.command = "php own.php"
            settings.server = ["user: daemon"]
            let file = try directory.write(settings.yaml(events: "/dev/null"), to: ".rr.yaml")
            let result = try Command.run(
                [
                    "/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", binary, "serve", "-c",
                    file,
                ],
                directory: directory.path
            )
            #expect(result.exit == .code(1))
            #expect(result.errors.contains("root"), "\(result.errors)")
        }
    }
}
