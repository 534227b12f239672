import JSON
import NIOCore
import RPC
import TCPServer

extension RPCService {
    /// `tcp`: the connections of clients.
    static func connections(_ connections: ConnectionRegistry) -> RPCService {
        RPCService(
            "tcp",
            [
                "Close": .deferred { call, reply in
                    guard let uuid = reply.take({ () throws(RPCError) in try call.text("the uuid of a connection") })
                    else {
                        return
                    }
                    // True also for a uuid that is unknown: its connection has closed.
                    let done: @Sendable () -> Void = { reply.complete(.success(ByteBuffer(json: .bool(true)))) }
                    ConnectionID(uuid).map { connections.close($0, done) } ?? done()
                }
            ]
        )
    }
}
