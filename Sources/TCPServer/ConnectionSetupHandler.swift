import Edge
import Logging
import NIOCore
import Sockets

/// Sets up accepted connections: the last handler of a listener, after the bootstrap's own.
///
/// The bootstrap's initializer would hop to the connection's event loop, back to the listener's and there again, with
/// futures for each step. Here the connection hops once: the first task on its loop sets it up, the second registers
/// it.
final class ConnectionSetupHandler: ChannelInboundHandler {
    typealias InboundIn = Channel

    private let environment: CurrentEnvironment
    private let homes: [LoopConnections]
    private var context: ChannelHandlerContext?

    init(environment: CurrentEnvironment, homes: [LoopConnections]) {
        self.environment = environment
        self.homes = homes
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    /// Takes over a connection that the listener's channel has accepted, bypassing the bootstrap's handler.
    func accepted(_ data: NIOAny) {
        let connection = self.unwrapInboundIn(data)
        let home = self.homes.first { $0.eventLoop === connection.eventLoop }
        guard let context, let home else {
            connection.close(promise: nil)
            return
        }
        let environment = self.environment.value
        var seat: Seat?
        if let desk = environment.desk {
            let address = connection.remoteAddress?.ip
            switch desk.enter(address, isClient: !environment.namesClients, on: context.eventLoop) {
            case .seat(let admitted):
                seat = admitted
            case .refused:
                // It is never registered: no loop but its own does anything for it, and no worker hears of it.
                connection.close(promise: nil)
                return
            }
        }
        home.limit.opened()
        connection.eventLoop.execute { [seat] in
            Self.setUp(connection, ConnectionMaker(environment: environment, home: home, seat: seat))
        }
        // The listener's channel registers it in a task on the connection's event loop, which runs after this one.
        context.fireChannelRead(data)
    }

    private static func setUp(_ connection: any Channel, _ maker: ConnectionMaker) {
        let (environment, home) = (maker.environment, maker.home)
        do {
            let options = connection.syncOptions
            try options?.setOption(.allowRemoteHalfClosure, value: true)
            // One read at a time: NIO keeps as many buffers as it may perform consecutive reads.
            try options?.setOption(.maxMessagesPerRead, value: 1)
            let recvAllocator = ConnectionRecvAllocator(maximum: environment.rules.readBufferSize, home: home)
            try options?.setOption(.recvAllocator, value: recvAllocator)
            try environment.edge.admit(connection, to: maker)
        } catch {
            // Fails only if the connection is already closed.
            maker.endedWithoutSession()
            connection.close(promise: nil)
        }
    }
}

/// Makes the handlers of connections.
struct ConnectionMaker: SessionMaker {
    let environment: ConnectionEnvironment
    let home: LoopConnections
    /// `nil` if the server has no limits.
    var seat: Seat?

    func makeSession(_ entrance: Entrance) -> any ChannelHandler {
        ConnectionHandler(self.environment, home: self.home, entrance, seat: self.seat)
    }

    func enter(_ connection: any EdgeConnection) -> Bool {
        guard !self.home.endsConnections else {
            return false
        }
        self.counters?.connectionAccepted()
        guard connection.peer != nil || !self.environment.isTCP else {
            // So do health checks that are quick.
            self.refuse(connection, EdgeFailure(.silent, "the client reset the connection before it was accepted"))
            return false
        }
        self.home.entered(connection)
        return true
    }

    func leave(_ connection: any EdgeConnection, _ outcome: EdgeOutcome) {
        self.home.left(connection)
        switch outcome {
        case .established:
            break
        case .closed:
            self.counters?.connectionClosed(.drain)
        case .refused(let failure):
            self.refuse(connection, failure)
        }
    }

    private func refuse(_ connection: any EdgeConnection, _ failure: EdgeFailure) {
        self.counters?.connectionRefused(failure.cause)
        self.environment.logger.debug(
            "a connection is refused",
            metadata: [
                "server": "\(self.environment.server)", "remote_addr": "\(connection.peer?.hostAndPort ?? "@")",
                "reason": "\(failure.cause.rawValue)", "error": "\(failure.reason)",
            ]
        )
    }

    private var counters: LoopCounters? {
        self.environment.counters?.loops[self.home.loopIndex]
    }

    func endedWithoutSession() {
        self.home.limit.closed()
        self.seat?.leave()
    }
}
