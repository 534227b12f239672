import NIOCore
import RPC
import Synchronization
import Testing

@Suite struct RPCReplyTests {
    private final class Log: Sendable {
        let results = Mutex<[Result<ByteBuffer, RPCError>]>([])
        let abandoned = Mutex(0)

        func reply() -> RPCReply {
            RPCReply { result in self.results.withLock { $0.append(result) } }
        }
    }

    @Test func onlyTheFirstCompletionIsSent() {
        let log = Log()
        let reply = log.reply()
        reply.complete(.success(ByteBuffer(string: "1")))
        reply.complete(.failure(RPCError("2")))
        reply.abandon()
        #expect(log.results.withLock { $0 } == [.success(ByteBuffer(string: "1"))])
    }

    @Test func aDroppedReplyFailsItsCall() {
        let log = Log()
        _ = log.reply()
        #expect(log.results.withLock { $0 } == [.failure(RPCError("the call was dropped"))])
    }

    @Test func anAbandonedReplyTellsItsMethodAndSendsNothing() {
        let log = Log()
        let reply = log.reply()
        reply.onAbandoned { log.abandoned.withLock { $0 += 1 } }
        reply.abandon()
        reply.complete(.success(ByteBuffer()))
        #expect(log.abandoned.withLock { $0 } == 1)
        #expect(log.results.withLock { $0 }.isEmpty)
        reply.onAbandoned { log.abandoned.withLock { $0 += 1 } }
        #expect(log.abandoned.withLock { $0 } == 2)
    }
}
