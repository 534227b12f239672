import Dispatch
import Glibc
import Testing

@testable import WorkerProcess

@Suite struct RelayCallerTests {
    /// A caller whose queue never runs, and the other end.
    private static func withCaller(_ body: (RelayCaller, CInt) throws -> Void) throws {
        var ends: [CInt] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
        let queue = DispatchQueue(label: "test")
        queue.suspend()
        let caller = RelayCaller(id: 1, descriptor: ends[0], queue: queue) { _, _ in }
        defer {
            caller.release()
            queue.resume()
            close(ends[1])
        }
        try body(caller, ends[1])
    }

    @Test(arguments: [EAGAIN, EINTR, 0]) func theEndIsTheEndWhateverFailedBefore(error: CInt) throws {
        try Self.withCaller { caller, peer in
            try #require(shutdown(peer, CInt(SHUT_WR)) == 0)
            errno = error
            guard case .failed = caller.read() else {
                Issue.record("it is read again, for ever")
                return
            }
        }
    }

    @Test func nothingToReadIsNoEnd() throws {
        try Self.withCaller { caller, _ in
            errno = 0
            if let event = caller.read() {
                Issue.record("\(event), though nothing has come")
            }
        }
    }
}
