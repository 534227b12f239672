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

    @Test func aReplyThatIsThereWhenItsMethodReturnsIsNotSent() {
        let log = Log()
        let reply = RPCReply()
        reply.complete(.success(ByteBuffer(string: "1")))
        reply.complete(.success(ByteBuffer(string: "2")))
        let send: RPCReply.Send = { result in log.results.withLock { $0.append(result) } }
        #expect(reply.detach { send } == .success(ByteBuffer(string: "1")))
        #expect(reply.detach { send } == nil)
        reply.complete(.success(ByteBuffer(string: "3")))
        #expect(log.results.withLock { $0 }.isEmpty)
        let late = RPCReply()
        late.onAbandoned { log.abandoned.withLock { $0 += 1 } }
        #expect(late.detach { send } == nil)
        late.abandon()
        #expect(log.abandoned.withLock { $0 } == 1)
        _ = { _ = RPCReply().detach { send } }()
        #expect(log.results.withLock { $0 } == [.failure(RPCError("the call was dropped"))])
    }
}
