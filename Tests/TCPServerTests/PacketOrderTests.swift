import NIOCore
import Testing

@testable import TCPServer

/// What an answer asks of the next packet.
@Suite struct PacketOrderTests {
    @Test(
        arguments: [
            ("CONTINUE;until=%0D%0A.%0d%0a", Array("\r\n.\r\n".utf8)), ("WRITE;until=a+b", Array("a+b".utf8)),
            ("CONTINUE;until=%3B%25%00", [0x3B, 0x25, 0]), ("CONTINUE;until=a=b", Array("a=b".utf8)),
        ] as [(String, [UInt8])])
    func ends(context: String, until: [UInt8]) throws {
        let parameters = try #require(AnswerParameters(context: ByteBuffer(string: context)))
        #expect(parameters.until == until)
        #expect(parameters.fault == nil)
    }

    @Test(arguments: ["WRITE", "CONTINUE", "CLOSE;need=1", "WRITECLOSE;need=1", ";need=1", "write;need=1", "X;Y", ""])
    func othersHaveNoParameters(context: String) {
        #expect(AnswerParameters(context: ByteBuffer(string: context)) == nil)
    }

    @Test(arguments: [
        "CONTINUE;", "CONTINUE;until", "CONTINUE;until=", "CONTINUE;until=%0", "CONTINUE;until=%GG", "CONTINUE;need=0",
        "CONTINUE;need=-1", "CONTINUE;need=", "CONTINUE;need=99999999999999999999", "CONTINUE;need=1;need=2",
        "CONTINUE;need=1;until=a", "CONTINUE;keep=x", "CONTINUE;UNTIL=a", "CONTINUE; need=1", "WRITE;session=1",
    ])
    func whatIsWrongIsToldAndTheConnectionGoesOn(context: String) {
        var bench = ConnectionBench.serving()
        let written = bench.answer(context, "body", to: "x\r\n")
        #expect(written == (context.hasPrefix("WRITE") ? "body" : nil))
        bench.receive("y\r\n")
        let steps = bench.steps()
        #expect(steps.count == 2)
        guard case .reportAnswer(let fault)? = steps.first else {
            Issue.record("\(steps)")
            return
        }
        #expect(!fault.isEmpty)
        if !context.contains("need=1;need=2") {
            #expect(steps.last == .data("y\r\n"))
        }
    }

    @Test func untilHoldsForOnePacket() {
        var bench = ConnectionBench.serving()
        bench.answer("WRITE;until=%0D%0A.%0D%0A", "354\r\n", to: "x\r\n")
        bench.receive("Subject: x\r\n\r\nline\r")
        #expect(bench.steps() == [])
        bench.receive("\n.\r\nQUIT\r\nNOOP\r\n")
        #expect(bench.steps() == [.data("Subject: x\r\n\r\nline\r\n.\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("QUIT\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("NOOP\r\n")])
    }

    @Test func whatCameMeanwhileCountsForTheOrder() {
        var bench = ConnectionBench.serving(.merge)
        bench.receive("a\r\nb.c\r\n")
        bench.answer("CONTINUE;until=.", to: "x\r\n")
        #expect(bench.steps() == [.data("a\r\nb.")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("c\r\n")])
    }

    @Test func anOrderMayFollowCONNECTED() {
        var bench = ConnectionBench()
        _ = bench.next()
        bench.receive("12345")
        bench.answer("WRITE;need=4", "hello")
        #expect(bench.steps() == [.data("12345")])
    }

    @Test func needIsTheLeastAndAllThatIsThereComes() {
        var bench = ConnectionBench.ready(.raw)
        bench.receive("1")
        #expect(bench.steps() == [.data("1")])
        bench.answer("CONTINUE;need=4", to: "1")
        bench.receive("abc")
        #expect(bench.steps() == [])
        bench.receive("defg")
        #expect(bench.steps() == [.data("abcdefg")])
    }

    @Test func whatTheWorkerAskedForIsBoundedByTheLimit() {
        for context in ["CONTINUE;need=9", "CONTINUE;until=123456789"] {
            var bench = ConnectionBench.ready(.raw, limit: 8)
            bench.receive("1")
            _ = bench.steps()
            bench.answer(context, to: "1")
            bench.receive("2")
            let steps = bench.steps()
            #expect(steps.count == 2 && steps.last == .data("2"), "its own rule holds: \(steps)")
        }
        var bench = ConnectionBench.ready(.raw, limit: 8)
        bench.receive("1")
        _ = bench.steps()
        bench.answer("CONTINUE;until=%0A", to: "1")
        bench.receive("123456789")
        let evidence = PacketEvidence(of: ByteBuffer(string: "123456789"))
        #expect(bench.steps() == [.closeSocket(.packetTooLarge(evidence)), .close])
    }

    // MARK: keep

    @Test func ofARawPacketTheRestWaitsForMore() {
        var bench = ConnectionBench.ready(.raw)
        bench.receive("message1mess")
        #expect(bench.steps() == [.data("message1mess")])
        bench.answer("WRITE;keep=4", "ok", to: "message1mess")
        #expect(bench.steps() == [])
        bench.receive("age2")
        #expect(bench.steps() == [.data("message2")])
        bench.answer("CONTINUE;keep=8", to: "message2")
        #expect(bench.steps() == [])
        bench.receive("!")
        #expect(bench.steps() == [.data("message2!")])
    }

    /// The end that is asked for may lie across what was kept and what comes.
    @Test func anEndIsFoundAcrossWhatIsKept() {
        var bench = ConnectionBench.ready(.raw)
        bench.receive("DATA\r\n.\r")
        _ = bench.steps()
        bench.answer("CONTINUE;keep=8;until=%0D%0A.%0D%0A", to: "DATA\r\n.\r")
        #expect(bench.steps() == [], "nothing comes again without end")
        bench.receive("\nQUIT\r\n")
        #expect(bench.steps() == [.data("DATA\r\n.\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("QUIT\r\n")])
        bench.answer("CONTINUE;keep=6;until=X", to: "QUIT\r\n")
        bench.clientEnds()
        let evidence = PacketEvidence(of: ByteBuffer(string: "QUIT\r\n"))
        #expect(bench.steps() == [.closeSocket(.truncatedPacket(evidence)), .close])
    }

    /// Otherwise the client would wait for an answer to what it has sent.
    @Test func whatIsKeptIsCutAnew() {
        var bench = ConnectionBench.serving()
        bench.receive("12345QUIT\r\n")
        bench.answer("CONTINUE;need=5", to: "x\r\n")
        #expect(bench.steps() == [.data("12345QUIT\r\n")])
        bench.receive("NOOP\r\n")
        bench.answer("CONTINUE;keep=6", to: "12345QUIT\r\n")
        #expect(bench.steps() == [.data("QUIT\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("NOOP\r\n")])
    }

    @Test func whoKeepsAllGetsItWithTheNextPacket() {
        var bench = ConnectionBench.serving()
        bench.receive("y\r\nz\r\n")
        bench.answer("CONTINUE;keep=3", to: "x\r\n")
        #expect(bench.steps() == [.data("x\r\ny\r\n")])
        bench.answer("CONTINUE;keep=6;need=8", to: "x\r\ny\r\n")
        #expect(bench.steps() == [.data("x\r\ny\r\nz\r\n")])
        bench.answer("CONTINUE;keep=9", to: "x\r\ny\r\nz\r\n")
        #expect(bench.steps() == [], "nothing comes again without end")
        bench.clientEnds()
        let evidence = PacketEvidence(of: ByteBuffer(string: "x\r\ny\r\nz\r\n"))
        #expect(bench.steps() == [.closeSocket(.truncatedPacket(evidence)), .close])
    }

    @Test func whatIsKeptCountsForTheLimit() {
        var bench = ConnectionBench.ready(.raw, limit: 6)
        bench.receive("12345")
        _ = bench.steps()
        bench.answer("CONTINUE;keep=5", to: "12345")
        bench.receive("67")
        #expect(bench.steps() == [.data("123456")], "as much as there is room for")
        bench.answer("CONTINUE;keep=6", to: "123456")
        let evidence = PacketEvidence(of: ByteBuffer(string: "1234567"))
        #expect(bench.steps() == [.closeSocket(.packetTooLarge(evidence)), .close])
        #expect(bench.machine.buffered == 0)
    }

    @Test func moreThanThePacketCannotBeKept() {
        var bench = ConnectionBench.serving()
        bench.answer("CONTINUE;keep=4", to: "x\r\n")
        bench.receive("y\r\n")
        let steps = bench.steps()
        #expect(steps.count == 2 && steps.last == .data("y\r\n"))
    }

    // MARK: The end

    @Test func theEndBringsWhatWasAskedForAsFarAsItCame() {
        for context in ["CONTINUE;until=%0A", "CONTINUE;need=10"] {
            var bench = ConnectionBench.ready(.length(LengthField(.binary(size: 1, isLittleEndian: false))))
            bench.receive("\u{1}x")
            _ = bench.steps()
            bench.answer(context, to: "\u{1}x")
            bench.receive("abc")
            bench.clientEnds()
            #expect(bench.steps() == [.data("abc")])
            bench.answer("CONTINUE")
            #expect(bench.steps() == [.closeSocket(.client), .close])
        }
    }

    @Test func theEndBringsWhatIsKeptOfARawPacket() {
        var bench = ConnectionBench.ready(.raw)
        bench.receive("abc")
        _ = bench.steps()
        bench.clientEnds()
        bench.answer("CONTINUE;keep=2", to: "abc")
        #expect(bench.steps() == [.data("bc")])
        bench.answer("CONTINUE;keep=2", to: "bc")
        let evidence = PacketEvidence(of: ByteBuffer(string: "bc"))
        #expect(bench.steps() == [.closeSocket(.truncatedPacket(evidence)), .close])
    }

    @Test(arguments: [
        PacketFraming.Rule.length(LengthField(.binary(size: 1, isLittleEndian: false))), .fixed(9), FramingCase.gt06,
    ])
    func theEndInTheMiddleOfAPacketDropsIt(_ rule: PacketFraming.Rule) {
        var bench = ConnectionBench.ready(rule)
        bench.receive("x")
        bench.clientEnds()
        let steps = bench.steps()
        guard case .closeSocket(let reason)? = steps.first, steps.last == .close else {
            Issue.record("\(steps)")
            return
        }
        let isTold =
            switch reason {
            case .truncatedPacket, .malformedPacket: true
            default: false
            }
        #expect(isTold)
    }

    @Test func theEndBetweenTwoPacketsIsNoFault() {
        var bench = ConnectionBench.ready(.length(LengthField(.binary(size: 1, isLittleEndian: false))))
        bench.receive("\u{1}x\u{2}yz")
        bench.clientEnds()
        #expect(bench.steps() == [.data("\u{1}x")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("\u{2}yz")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func skippedBytesAreCountedAndAreNoRest() {
        var bench = ConnectionBench.ready(.marked(PacketMarks(.one(Delimiter([0x29])), start: [0x28, 0x28])))
        bench.receive("ab((c)de(")
        #expect(bench.steps() == [.skipped(2), .data("((c)")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.skipped(2)])
        bench.clientEnds()
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func aDrainWaitsForWhatIsKept() {
        var bench = ConnectionBench.ready(.raw)
        bench.receive("abc")
        _ = bench.steps()
        bench.machine.drain()
        bench.answer("CONTINUE;keep=2", to: "abc")
        #expect(bench.steps() == [], "a packet has begun")
        bench.receive("d")
        #expect(bench.steps() == [.data("bcd")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }
}
