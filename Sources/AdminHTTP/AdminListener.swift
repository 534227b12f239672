import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One address of the admin server: bound once by ``bind()``, then served until the task is cancelled.
struct AdminListener: Sendable {
    typealias Channel = NIOAsyncChannel<HTTP1Channel.Value, Never>

    private static let backlog: Int32 = 256

    let endpoint: AdminEndpoint
    let group: MultiThreadedEventLoopGroup
    let logger: Logger
    let connections = AdminConnections()
    private let http: HTTP1Channel
    /// For the server below: what it has to say is no more than a client's mistake.
    private let quietLogger: Logger

    /// - Parameter idleTimeout: How long a connection may rest.
    init(_ endpoint: AdminEndpoint, idleTimeout: TimeAmount, group: MultiThreadedEventLoopGroup, logger: Logger) {
        self.endpoint = endpoint
        self.group = group
        self.logger = logger
        var quietLogger = logger
        quietLogger.logLevel = .error
        self.quietLogger = quietLogger
        self.http = HTTP1Channel(
            responder: { request, writer, _ in try await Self.respond(to: request, writer, endpoint) },
            configuration: HTTP1Channel.Configuration(
                idleTimeout: idleTimeout,
                httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                    maxHeaderFieldSize: 16 * 1024,
                    maxHeaderListSize: 16 * 1024,
                    maxHeaderFieldCount: 100
                )
            )
        )
    }

    private static func respond(
        to request: Request,
        _ writer: consuming ResponseWriter,
        _ endpoint: AdminEndpoint
    ) async throws {
        let answer = endpoint.answer(method: request.head.method.rawValue, target: request.head.path ?? "")
        let body = ByteBuffer(string: answer.body)
        let head = HTTPResponse(
            status: HTTPResponse.Status(code: answer.status),
            headerFields: [
                .contentType: answer.contentType,
                .contentLength: "\(body.readableBytes)",
                // A probe's answer is of now.
                .cacheControl: "no-store",
            ]
        )
        if request.head.method == .head {
            try await writer.writeResponse(head)
        } else {
            try await writer.write(response: head, body: ResponseBody(byteBuffer: body))
        }
    }

    /// - Throws: ``AdminError`` when the address cannot be listened on.
    func bind() async throws(AdminError) -> Channel {
        do {
            switch self.endpoint.address {
            case .unix(let path):
                return try await self.bootstrap.bind(
                    unixDomainSocketPath: path,
                    cleanupExistingSocketFile: true,
                    childChannelInitializer: self.setUp
                )
            case .tcp(let host, let port):
                return try await self.bind(host: host, port: port)
            }
        } catch {
            throw AdminError(address: self.endpoint.address, key: self.endpoint.key, reason: Self.reason(error))
        }
    }

    /// Without a host: every interface, by IPv6 and IPv4 at once where there is IPv6.
    private func bind(host: String, port: Int) async throws -> Channel {
        guard host.isEmpty else {
            return try await self.bootstrap.bind(host: host, port: port, childChannelInitializer: self.setUp)
        }
        do {
            return try await self.bootstrap.bind(host: "::", port: port, childChannelInitializer: self.setUp)
        } catch let error as IOError where [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.errnoCode) {
            return try await self.bootstrap.bind(host: "0.0.0.0", port: port, childChannelInitializer: self.setUp)
        }
    }

    private func setUp(_ channel: any NIOCore.Channel) -> EventLoopFuture<HTTP1Channel.Value> {
        self.http.setup(channel: channel, logger: self.quietLogger)
    }

    private var bootstrap: ServerBootstrap {
        let (connections, logger) = (self.connections, self.logger)
        return ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AdminAcceptHandler(connections: connections, logger: logger)
                    )
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else {
            return "\(error)"
        }
        let text = String(cString: strerror(error.errnoCode))
        return error.errnoCode == EADDRINUSE ? "\(text); another process listens there" : text
    }

    /// Serves, and listens anew when the system ends the listener, until the task is cancelled.
    func serve(_ channel: Channel) async {
        var tasks: [Task<Void, Never>] = []
        var current: Channel? = channel
        var delay = Duration.milliseconds(100)
        repeat {
            if let channel = current {
                delay = .milliseconds(100)
                // Not to be cancelled with this one: see there.
                tasks.append(Task { await self.accept(on: channel) })
                await self.awaitEnd(of: channel.channel)
            }
            guard !Task.isCancelled, (try? await Task.sleep(for: delay)) != nil else {
                break
            }
            delay = min(delay * 2, .seconds(5))
            do throws(AdminError) {
                current = try await self.bind()
            } catch {
                current = nil
                self.logger.error("\(error)")
            }
        } while true
        for task in tasks {
            await task.value
        }
        if case .unix(let path) = self.endpoint.address {
            unlink(path)
        }
    }

    /// Serves what is accepted until the listener is closed and all of it has ended.
    ///
    /// A connection that was accepted must be taken out of the sequence: NIO crashes the process when the writer of one
    /// is dropped unused, which a cancelled loop does. So the listener's end is what ends the loop.
    private func accept(on channel: Channel) async {
        await withDiscardingTaskGroup { group in
            do {
                try await channel.executeThenClose { inbound in
                    for try await connection in inbound {
                        group.addTask { await self.http.handle(value: connection, logger: self.quietLogger) }
                    }
                }
            } catch {
                // It is closed, as at its end; who asked for that knows.
            }
        }
    }

    /// Waits until the listener is closed, and closes it when the task is cancelled.
    private func awaitEnd(of channel: any NIOCore.Channel) async {
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.eventLoop.execute {
                self.connections.acceptNoMore()
                try? channel.syncOptions?.setOption(.autoRead, value: false)
                // What was accepted just now is set up in a turn of its own, and is in the sequence after that.
                channel.eventLoop.execute { channel.close(promise: nil) }
            }
        }
        if !Task.isCancelled {
            self.logger.error(
                "the listener has ended, listening again",
                metadata: ["address": "\(self.endpoint.address)", "key": "\(self.endpoint.key)"]
            )
        }
    }
}
