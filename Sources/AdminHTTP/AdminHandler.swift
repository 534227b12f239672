import NIOCore
import NIOHTTP1

/// Answers the requests of one admin connection.
///
/// Requests are handled one at a time: the next one waits until the previous answer has been sent, so that a client
/// that does not read holds one answer, until its time is up.
final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// How long a new connection may take to send a complete request.
    static let requestTime = TimeAmount.seconds(5)

    private let endpoint: AdminEndpoint
    private let connections: AdminConnections
    private let idleTimeout: TimeAmount
    private var head: HTTPRequestHead?
    private var isAnswering = false
    /// Whether the connection ends after the answer.
    private var isLast = false
    private var deadline: Scheduled<Void>?

    /// - Parameter idleTimeout: The longest time between an answer and the end of the next request.
    init(_ endpoint: AdminEndpoint, connections: AdminConnections, idleTimeout: TimeAmount) {
        self.endpoint = endpoint
        self.connections = connections
        self.idleTimeout = idleTimeout
    }

    func channelActive(context: ChannelHandlerContext) {
        self.closeLate(min(Self.requestTime, self.idleTimeout), context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.deadline?.cancel()
        context.fireChannelInactive()
    }

    /// Closes the connection after a time that only an answer extends.
    private func closeLate(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        self.deadline?.cancel()
        self.deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
        case .body:
            // No request that is served here has a body.
            break
        case .end:
            if let head {
                self.head = nil
                self.connections.hasAsked(context.channel)
                self.answer(head, context)
            }
        }
    }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let answer = self.endpoint.answer(method: request.method.rawValue, target: request.uri)
        let body = ByteBuffer(string: answer.body)
        var headers = HTTPHeaders([
            ("Content-Type", answer.contentType),
            ("Content-Length", "\(body.readableBytes)"),
            // A probe's answer is valid only now.
            ("Cache-Control", "no-store"),
        ])
        // In HTTP/1.0 the connection's end is the answer's. After an upgrade request no further one is parsed.
        let isLast =
            request.version == .http1_0 || !request.isKeepAlive || request.method == .CONNECT
            || request.headers.contains(name: "Upgrade")
        self.isLast = self.isLast || isLast
        if self.isLast {
            headers.add(name: "Connection", value: "close")
        }
        self.isAnswering = true
        let head = HTTPResponseHead(
            version: request.version,
            status: HTTPResponseStatus(statusCode: answer.status),
            headers: headers
        )
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess { self.answered(context) }
        if request.method == .HEAD {
            context.writeAndFlush(self.wrapOutboundOut(.head(head)), promise: promise)
        } else {
            context.write(self.wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(self.wrapOutboundOut(.body(.byteBuffer(body))), promise: promise)
        }
    }

    /// The system has taken the answer.
    private func answered(_ context: ChannelHandlerContext) {
        self.isAnswering = false
        self.connections.wasAnswered(context.channel)
        if self.isLast {
            context.close(promise: nil)
        } else {
            self.closeLate(self.idleTimeout, context)
            // Admits the next request.
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            // No further request comes; earlier ones are answered.
            self.isLast = true
            if !self.isAnswering {
                context.close(promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client's mistake, which has been answered if possible.
        context.close(promise: nil)
    }
}
