import NIOCore
import NIOEmbedded
import Testing
import WorkerPool

@testable import TCPServer

/// The timeouts of a connection, on an embedded loop whose clock the tests move.
@Suite struct SessionTimeoutTests {
    private func bench(_ configure: (inout SessionTimeouts) -> Void) -> HandlerBench {
        HandlerBench { configuration in configure(&configuration.timeouts) }
    }

    private func closed(_ bench: HandlerBench) -> [CloseCause: UInt64] {
        bench.counters.counts().first?.closed.filter { $0.value > 0 } ?? [:]
    }

    /// Moves the clock, and has the client end its side once the server has ended its own.
    private func wait(_ milliseconds: Int64, _ bench: HandlerBench, _ client: HandlerChannel) {
        bench.loop.advanceTime(by: .milliseconds(milliseconds))
        if !client.recorder.closes.isEmpty, client.channel.isActive {
            client.endInput()
        }
    }

    private func expectEnd(_ bench: HandlerBench, _ cause: CloseCause, location: SourceLocation = #_sourceLocation) {
        #expect(self.closed(bench) == [cause: 1], sourceLocation: location)
        let reason = ",\"event\":\"CLOSE\",\"reason\":\"\(cause.rawValue)\"}"
        #expect(bench.worker.context.hasSuffix(reason), "\(bench.worker.context)", sourceLocation: location)
        bench.worker.answer("CLOSE")
        #expect(bench.home.count == 0 && bench.home.wheel.count == 0, sourceLocation: location)
    }

    @Test func aQuietClientIsClosed() throws {
        let bench = self.bench { $0.idle = .seconds(8) }
        let client = try bench.connected()
        for _ in 0..<10 {
            self.wait(5000, bench, client)
            try client.receive("x")
        }
        #expect(client.channel.isActive, "part of a packet is something, too")
        try client.receive("\r\n")
        self.wait(60_000, bench, client)
        #expect(client.channel.isActive, "an event is with the worker")
        bench.worker.answer("CONTINUE")
        self.wait(7900, bench, client)
        #expect(client.channel.isActive, "never early")
        self.wait(1500, bench, client)
        self.expectEnd(bench, .idleTimeout)
    }

    @Test func withoutTimeoutsNothingIsScheduled() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        #expect(client.channel.isActive && bench.home.wheel.count == 0 && bench.home.wheelTurn == nil)
    }

    @Test func theWheelIsLeftByTheConnection() throws {
        let bench = self.bench { $0.idle = .hours(1) }
        let client = try bench.connected()
        #expect(bench.home.wheel.count == 1)
        client.disconnect()
        #expect(bench.home.wheel.count == 0 && bench.home.wheelTurn == nil)
    }

    @Test func theFirstPacketIsExpected() throws {
        let bench = self.bench { $0.firstPacket = .seconds(8) }
        let prompt = try bench.connected()
        try prompt.receive("login\r\n")
        bench.worker.answer("CONTINUE")
        let late = try bench.connect()
        self.wait(60_000, bench, late)
        #expect(late.channel.isActive, "CONNECTED is with the worker")
        bench.worker.answer("CONTINUE")
        try late.receive("half")
        self.wait(7000, bench, late)
        #expect(late.channel.isActive)
        self.wait(2500, bench, late)
        #expect(!late.channel.isActive && prompt.channel.isActive)
        self.wait(60_000, bench, prompt)
        #expect(prompt.channel.isActive)
        prompt.disconnect()
        #expect(self.closed(bench) == [.firstPacketTimeout: 1, .client: 1])
    }

    @Test func aPacketHasToEnd() throws {
        let bench = self.bench { $0.packet = .seconds(8) }
        let client = try bench.connected()
        self.wait(100_000, bench, client)
        for _ in 0..<20 {
            // Never between packets, but each ends in time.
            try client.receive("x\r\nx")
            bench.worker.answer("CONTINUE")
            self.wait(6000, bench, client)
        }
        #expect(client.channel.isActive)
        try client.receive("slow")
        self.wait(1500, bench, client)
        #expect(client.channel.isActive)
        try client.receive("slow")
        self.wait(2500, bench, client)
        self.expectEnd(bench, .packetTimeout)
    }

    @Test func aLifetimeEndsBetweenTwoPackets() throws {
        let bench = self.bench { $0.lifetime = .seconds(100) }
        let client = try bench.connected()
        for _ in 0..<8 {
            self.wait(11_000, bench, client)
            try client.receive("x\r\n")
            bench.worker.answer("CONTINUE")
        }
        try client.receive("half")
        self.wait(60_000, bench, client)
        #expect(client.channel.isActive)
        try client.receive("\r\n")
        #expect(bench.worker.log.last == "DATA half\r\n")
        bench.worker.answer("WRITE", "answer")
        #expect(try client.written() == "answer")
        self.wait(0, bench, client)
        self.expectEnd(bench, .maxLifetime)
    }

    @Test func lifetimesAreSpread() {
        var timeouts = SessionTimeouts()
        timeouts.lifetime = .seconds(100)
        let ends = [0, UInt64.max / 2, .max].map { random in
            Double(SessionDeadlines(timeouts, random: random, at: 0).nextLook(timeouts, hasHadPacket: true, after: 0))
        }
        for (end, seconds) in zip(ends, [90.0, 100, 110]) {
            #expect(abs(end / 1e9 - seconds) < 0.001)
        }
    }

    @Test func aQuietClientIsPinged() throws {
        let bench = self.bench { timeouts in
            timeouts.ping = .init(interval: .seconds(8), data: Array("NOOP\r\n".utf8), misses: 2)
        }
        let client = try bench.connected()
        for _ in 0..<5 {
            self.wait(9500, bench, client)
            #expect(try client.written() == "NOOP\r\n")
            try client.receive("ok\r\n")
            bench.worker.answer("CONTINUE")
        }
        try client.receive("half")
        self.wait(60_000, bench, client)
        #expect(try client.written() == "", "not in a packet")
        try client.receive("\r\n")
        bench.worker.answer("CONTINUE")
        self.wait(17_500, bench, client)
        #expect(try client.written() == "NOOP\r\nNOOP\r\n")
        #expect(client.channel.isActive)
        self.wait(9100, bench, client)
        self.expectEnd(bench, .pingTimeout)
    }

    @Test func aClientThatTakesNothingIsClosed() throws {
        let bench = self.bench { $0.write = .seconds(5) }
        let client = try bench.connected()
        client.recorder.holdsFlushes = true
        try client.receive("x\r\n")
        bench.worker.answer("WRITE", "answer")
        self.wait(4000, bench, client)
        #expect(client.channel.isActive)
        try client.receive("y\r\n")
        self.wait(2000, bench, client)
        #expect(!client.channel.isActive)
        #expect(self.closed(bench) == [.writeTimeout: 1])
        bench.worker.answer("CONTINUE")
        #expect(bench.worker.context.hasSuffix(",\"event\":\"CLOSE\",\"reason\":\"write_timeout\"}"))
        #expect(bench.pool.pendingAnswers.bytes == 0)
    }

    @Test func aServerThatDrainsLooksNoMore() throws {
        let bench = self.bench { $0.idle = .seconds(8) }
        let client = try bench.connected()
        bench.home.drain(.init(idle: .seconds(100), untilSpreading: .hours(1), spreading: .hours(1)))
        self.wait(60_000, bench, client)
        #expect(client.channel.isActive)
        self.wait(60_000, bench, client)
        #expect(self.closed(bench) == [.drain: 1])
        #expect(bench.worker.context.hasSuffix(",\"event\":\"CLOSE\"}"))
    }

    @Test func packetsBeyondTheRateWait() throws {
        let bench = HandlerBench { configuration in
            configuration.packetRate = Rate(2, in: 1_000_000_000, burst: 3)
        }
        let client = try bench.connected()
        let other = try bench.connected()
        try client.receive(String(repeating: "x\r\n", count: 6))
        for _ in 0..<3 {
            bench.worker.answer("CONTINUE")
        }
        #expect(bench.worker.log.count { $0.hasPrefix("DATA") } == 3)
        let reads = client.recorder.reads
        try other.receive("y\r\n")
        #expect(bench.worker.log.last == "DATA y\r\n", "others go on")
        bench.worker.answer("CONTINUE")
        for count in 5...7 {
            self.wait(500, bench, client)
            #expect(bench.worker.log.count { $0.hasPrefix("DATA") } == count)
            bench.worker.answer("CONTINUE")
        }
        #expect(client.channel.isActive && client.recorder.reads >= reads)
        client.setWritable(false)
        client.setWritable(true)
        self.wait(60_000, bench, client)
        try client.receive("z\r\n")
        #expect(bench.worker.log.last == "DATA z\r\n")
    }
}
