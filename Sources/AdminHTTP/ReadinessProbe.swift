import Addresses
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Sockets

/// Asks the `/ready` of a running service, as an orchestrator does.
package struct ReadinessProbe: Sendable {
    /// How long the whole probe may take.
    package static let timeout = TimeAmount.seconds(5)
    /// The most bytes of an answer that are kept.
    static let bodyLimit = 4096

    package struct Failure: Error, Hashable, CustomStringConvertible {
        package var description: String
    }

    private let address: ListenAddress
    private let encryption: (@Sendable () -> any ChannelHandler)?
    private let timeout: TimeAmount

    /// - Parameters:
    ///   - address: The service's address; a wildcard means this host.
    ///   - encryption: Makes the handler that encrypts the connection; `nil`: in clear.
    package init(
        _ address: ListenAddress,
        encryption: (@Sendable () -> any ChannelHandler)? = nil,
        timeout: TimeAmount = Self.timeout
    ) {
        self.address = address.reachable
        self.encryption = encryption
        self.timeout = timeout
    }

    /// Returns when the service is ready.
    ///
    /// - Throws: ``Failure`` if the service is not ready, or does not answer in time.
    package func run() async throws(Failure) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result = await self.ask(group)
        try? await group.shutdownGracefully()
        switch result {
        case .failure(let error):
            throw error
        case .success(let answer) where answer.status != 200:
            throw Failure(description: "not ready: \(self.address) answers \(answer.status) \(answer.body)")
        case .success:
            return
        }
    }

    private func ask(_ group: MultiThreadedEventLoopGroup) async -> Result<ProbeAnswer, Failure> {
        let loop = group.next()
        let promise = loop.makePromise(of: ProbeAnswer.self)
        let timer = loop.scheduleTask(in: self.timeout) {
            let seconds = self.timeout.nanoseconds / 1_000_000_000
            promise.fail(Failure(description: "no answer from \(self.address) within \(seconds) s"))
        }
        defer { timer.cancel() }
        let bootstrap = ClientBootstrap(group: group).connectTimeout(self.timeout).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let handler = self.encryption?() {
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(ProbeHandler(host: self.address.hostHeader, promise))
            }
        }
        switch self.address {
        case .tcp(let host, let port): bootstrap.connect(host: host, port: port).cascadeFailure(to: promise)
        case .unix(let path): bootstrap.connect(unixDomainSocketPath: path).cascadeFailure(to: promise)
        }
        do {
            return .success(try await promise.futureResult.get())
        } catch let failure as Failure {
            return .failure(failure)
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode))
            return .failure(Failure(description: "no answer from \(self.address): \(reason)"))
        } catch let error as NIOConnectionError {
            let reasons = error.connectionErrors.map { failure in
                (failure.error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(failure.error)"
            }
            let reason = reasons.first ?? "there is no such host"
            return .failure(Failure(description: "no answer from \(self.address): \(reason)"))
        } catch {
            return .failure(Failure(description: "no answer from \(self.address): \(error)"))
        }
    }
}

struct ProbeAnswer: Sendable {
    var status: UInt
    /// On one line.
    var body: String
}

/// Sends the request and gathers the answer.
private final class ProbeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let host: String
    private let promise: EventLoopPromise<ProbeAnswer>
    private var status: UInt = 0
    private var body = ByteBuffer()

    init(host: String, _ promise: EventLoopPromise<ProbeAnswer>) {
        self.host = host
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        let headers = HTTPHeaders([("Host", self.host), ("Connection", "close"), ("User-Agent", "rr health")])
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/ready", headers: headers)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.status = head.status.code
        case .body(var part):
            let room = ReadinessProbe.bodyLimit - self.body.readableBytes
            if var slice = part.readSlice(length: min(room, part.readableBytes)) {
                self.body.writeBuffer(&slice)
            }
        case .end:
            let text = String(buffer: self.body).split(whereSeparator: \.isNewline).joined(separator: " ")
            self.promise.succeed(ProbeAnswer(status: self.status, body: text))
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // No effect if the answer was complete.
        self.promise.fail(ReadinessProbe.Failure(description: "the service closed the connection without an answer"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.promise.fail(error)
        context.close(promise: nil)
    }
}

extension ListenAddress {
    fileprivate var hostHeader: String {
        switch self {
        case .tcp: self.description
        case .unix: "localhost"
        }
    }
}
