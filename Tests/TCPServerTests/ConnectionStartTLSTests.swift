import NIOCore
import Testing
import WorkerPool

@testable import TCPServer

/// An answer `STARTTLS`.
@Suite struct ConnectionStartTLSTests {
    private func ready(_ mode: FramingMode = .split) -> ConnectionBench {
        var bench = ConnectionBench.ready(mode)
        bench.machine.mayStartTLS = true
        bench.receive("STARTTLS\r\n")
        _ = bench.next()
        return bench
    }

    @Test func theBodyIsWrittenThenTheHandshakeThenTheSessionGoesOn() {
        var bench = self.ready()
        #expect(bench.answer("STARTTLS", "220 go\r\n") == "220 go\r\n")
        #expect(bench.steps() == [.startTLS])
        let mayRead = bench.machine.mayRead()
        #expect(mayRead, "the handshake must be read")
        bench.receive("never a packet\r\n")
        #expect(bench.next() == .wait)
        bench.machine.secured()
        #expect(bench.next() == .wait)
        bench.receive("EHLO x\r\n")
        #expect(bench.steps() == [.data("EHLO x\r\n")])
        // Not a second time.
        #expect(bench.answer("STARTTLS", "220 go\r\n") == nil)
        #expect(bench.steps() == [.closeSocket(.noTLS), .close])
    }

    @Test(arguments: ["MAIL FROM:<evil>\r\n", "half"])
    func bytesInClearBehindTheCommandEndTheConnection(behind: String) {
        var bench = self.ready()
        bench.receive(behind)
        #expect(bench.answer("STARTTLS", "220 go\r\n") == nil, "nothing is promised")
        #expect(bench.steps() == [.closeSocket(.injection(behind.utf8.count)), .close])
    }

    @Test func aServerWithoutItClosesTheConnection() {
        var bench = ConnectionBench.serving()
        #expect(bench.answer("STARTTLS", "220 go\r\n") == nil)
        #expect(bench.steps() == [.closeSocket(.noTLS), .close])
    }

    @Test func aClientThatHasEndedItsSideGetsNoHandshake() {
        var bench = self.ready()
        bench.clientEnds()
        #expect(bench.answer("STARTTLS", "220 go\r\n") == nil)
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func aDrainWaitsForTheHandshakeAndTheEndDoesNot() {
        var bench = self.ready()
        bench.answer("STARTTLS")
        #expect(bench.steps() == [.startTLS])
        bench.machine.drain()
        #expect(bench.next() == .wait)
        var other = bench
        other.machine.secured()
        #expect(other.steps() == [.closeSocket(.draining), .close])
        bench.machine.end()
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func aHandshakeThatFailsEndsWithClose() {
        var bench = self.ready()
        bench.answer("STARTTLS")
        #expect(bench.steps() == [.startTLS])
        bench.machine.socketClosed()
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }
}
