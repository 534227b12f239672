import Glibc
import NIOCore
import NIOEmbedded
import NIOPosix
import Sockets
import Testing

@Suite struct DirectWriterTests {
    /// Writes what it is asked to, on a channel's event loop.
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        var writer: DirectWriter
        private(set) var context: ChannelHandlerContext?

        init(isLongLived: Bool) {
            self.writer = DirectWriter(isLongLived: isLongLived)
        }

        func handlerAdded(context: ChannelHandlerContext) {
            self.context = context
        }

        func write(_ bytes: ByteBuffer) {
            if let context, let rest = self.writer.write(bytes, context) {
                context.writeAndFlush(self.wrapOutboundOut(rest), promise: nil)
            }
        }
    }

    private enum Kind: CaseIterable {
        case socket
        case pipe
    }

    /// A channel that writes to a descriptor, whose other end is `reader`.
    private static func open(_ kind: Kind, isLongLived: Bool) async throws -> (channel: any Channel, reader: CInt) {
        var ends: [CInt] = [-1, -1]
        let group = MultiThreadedEventLoopGroup.singleton
        @Sendable func addHandler(_ channel: any Channel) -> EventLoopFuture<Void> {
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Handler(isLongLived: isLongLived))
            }
        }
        switch kind {
        case .socket:
            try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
            let channel = try await ClientBootstrap(group: group)
                .channelInitializer { addHandler($0) }
                .withConnectedSocket(ends[1]).get()
            return (channel, ends[0])
        case .pipe:
            try #require(pipe(&ends) == 0)
            let channel = try await NIOPipeBootstrap(group: group)
                .channelInitializer { addHandler($0) }
                .takingOwnershipOfDescriptor(output: ends[1]).get()
            return (channel, ends[0])
        }
    }

    private static func write(_ bytes: ByteBuffer, to channel: any Channel) async throws {
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: Handler.self).write(bytes)
        }.get()
    }

    private static func taken(_ descriptor: CInt, _ count: Int) -> [UInt8] {
        var bytes = Array(repeating: UInt8(0), count: count)
        let count = read(descriptor, &bytes, count)
        return Array(bytes.prefix(max(0, count)))
    }

    @Test("All arrives, in order, whether the system takes it at once, in part or later", arguments: Kind.allCases)
    private func order(kind: Kind) async throws {
        for isLongLived in [true, false] {
            let (channel, reader) = try await Self.open(kind, isLongLived: isLongLived)
            defer { close(reader) }
            // More than a pipe or a socket takes, in pieces of which some fit and some do not.
            var expected: [UInt8] = []
            for round in 0..<400 {
                let size = 1 + (round * 7919) % 9000
                let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ round) }
                expected += bytes
                try await Self.write(ByteBuffer(bytes: bytes), to: channel)
                // From time to time there is room again, so that both ways are taken in turn.
                if round % 40 == 39 {
                    let taken = Self.taken(reader, 100_000)
                    #expect(taken == Array(expected.prefix(taken.count)))
                    expected.removeFirst(taken.count)
                }
            }
            while !expected.isEmpty {
                let taken = Self.taken(reader, 100_000)
                guard !taken.isEmpty, taken.elementsEqual(expected.prefix(taken.count)) else {
                    Issue.record("other bytes, or none")
                    return
                }
                expected.removeFirst(taken.count)
            }
            try await channel.close().get()
            #expect(Self.taken(reader, 1).isEmpty)
        }
    }

    @Test("What the system takes at once is written when the call returns", arguments: Kind.allCases)
    private func atOnce(kind: Kind) async throws {
        let (channel, reader) = try await Self.open(kind, isLongLived: true)
        defer { close(reader) }
        try await channel.eventLoop.submit {
            let handler = try channel.pipeline.syncOperations.handler(type: Handler.self)
            handler.write(ByteBuffer(string: "one"))
            #expect(Self.taken(reader, 10) == Array("one".utf8))
            #expect(try channel.syncOptions?.getOption(.bufferedWritableBytes) == 0)
            handler.write(ByteBuffer(string: "two"))
            #expect(Self.taken(reader, 10) == Array("two".utf8))
        }.get()
        try await channel.close().get()
    }

    @Test(
        "A descriptor that was closed with its channel, and is another's now, is left alone", arguments: Kind.allCases)
    private func closed(kind: Kind) async throws {
        let (channel, reader) = try await Self.open(kind, isLongLived: true)
        defer { close(reader) }
        var other: [CInt] = [-1, -1]
        try #require(pipe(&other) == 0)
        defer { for descriptor in other { close(descriptor) } }
        let writeEnd = other[1]
        try await channel.eventLoop.submit {
            let handler = try channel.pipeline.syncOperations.handler(type: Handler.self)
            handler.write(ByteBuffer(string: "known"))
            channel.close(promise: nil)
            // The lowest numbers that are free, that of the channel's descriptor among them.
            let others = (0..<64).map { _ in dup(writeEnd) }
            handler.write(ByteBuffer(string: "lost"))
            for descriptor in others { close(descriptor) }
        }.get()
        #expect(Self.taken(reader, 100) == Array("known".utf8))
        #expect(Self.taken(reader, 100).isEmpty)
        var unread: CInt = -1
        #expect(ioctl(other[0], UInt(FIONREAD), &unread) == 0)
        #expect(unread == 0)
    }

    @Test("When the other end is gone the channel learns it, and closes", arguments: Kind.allCases)
    private func broken(kind: Kind) async throws {
        let (channel, reader) = try await Self.open(kind, isLongLived: true)
        try await Self.write(ByteBuffer(string: "known"), to: channel)
        close(reader)
        try? await Self.write(ByteBuffer(string: "nobody reads this"), to: channel)
        try await channel.closeFuture.get()
    }

    @Test("A channel without a descriptor writes itself")
    func embedded() throws {
        let handler = Handler(isLongLived: true)
        let channel = EmbeddedChannel(handler: handler)
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "any")).wait()
        handler.write(ByteBuffer(string: "one"))
        handler.write(ByteBuffer(string: "two"))
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "one"))
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "two"))
    }
}
