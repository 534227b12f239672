import Foundation
import TestSupport
import Testing

@testable import Platform

@Suite struct ServerProcessTests {
    @Test func aProcessIsSeen() throws {
        let own = try #require(ServerProcess(getpid()))
        #expect(own.pid == getpid())
        #expect(own.isAlive)
        #expect(own.start > 0)
        #expect(!own.serves(in: "."), "a process does not stop itself")
    }

    @Test func anEndedProcessIsNotThereEvenBeforeItIsReaped() throws {
        var pid: pid_t = 0
        let words: [String] = ["sleep", "1000"]
        let arguments = words.map { strdup($0) } + [nil]
        defer {
            for argument in arguments {
                free(argument)
            }
        }
        let result = posix_spawn(&pid, "/bin/sleep", nil, nil, arguments, nil)
        try #require(result == 0)
        // It is a copy of ourselves until it has become the other program.
        var seen = try #require(ServerProcess(pid))
        while seen.name != "sleep" {
            seen = try #require(ServerProcess(pid))
        }
        #expect(seen.isAlive)
        #expect(!seen.serves(in: "."), "it is another program")
        kill(pid, SIGKILL)
        while seen.isAlive {
            usleep(1000)
        }
        #expect(kill(pid, 0) == 0, "it is not reaped yet")
        #expect(waitpid(pid, nil, 0) == pid)
    }

    @Test(arguments: [
        ("12\n", 12), ("12", 12), (" 7 \n", 7), ("0", nil), ("-1", nil), ("", nil), ("12 13", nil), ("x", nil),
        ("12x", nil), ("99999999999", nil),
    ])
    func pidFiles(text: String, pid: Int32?) throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        #expect(PIDFile.read(try directory.write(text, to: "pid")) == pid)
    }
}
