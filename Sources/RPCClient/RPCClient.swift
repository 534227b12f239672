import Addresses
import Glibc
import JSON
import NIOCore
import RPC
import Sockets

/// Calls the methods of a running server, this one or RoadRunner, one at a time and in JSON. Blocks the thread.
package final class RPCClient {
    package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// With the reason, in one line.
        case unreachable(ListenAddress, String)
        case silent(method: String, seconds: Int64)
        /// The connection ended, or what came is no reply.
        case broken(method: String, String)
        /// The server's answer, as it is.
        case refused(String)

        package var description: String {
            switch self {
            case .unreachable(let address, let reason):
                "cannot reach a server at \(address.url) (rpc.listen): \(reason)"
            case .silent(let method, let seconds): "no answer to \(method) within \(seconds) s"
            case .broken(let method, let reason): "\(method) was not answered: \(reason)"
            // RoadRunner nests causes in lines of their own.
            case .refused(let text): text.split { $0 == "\n" || $0 == "\t" }.joined(separator: " ")
            }
        }
    }

    /// A server answers a connect at once, or not at all.
    private static let connectTime = TimeAmount.seconds(2)
    /// The largest reply that is taken: 64 MiB.
    private static let replyLimit = 64 << 20

    private let descriptor: CInt
    private var decoder = RPCFrameDecoder(messageLimit: RPCClient.replyLimit)
    private var lastID: UInt32 = 0

    /// Connects, within 2 s. A host's name is looked up first.
    package init(connectingTo address: ListenAddress) throws(Failure) {
        do {
            self.descriptor = try Self.connect(to: try address.reachable.resolvedNow())
        } catch let error as IOError {
            throw .unreachable(address, String(cString: strerror(error.errnoCode)))
        } catch {
            throw .unreachable(address, "\(error)")
        }
    }

    deinit {
        close(self.descriptor)
    }

    private static func connect(to addresses: [SocketAddress]) throws -> CInt {
        var failure = IOError(errnoCode: EADDRNOTAVAIL, reason: "connect")
        for address in addresses {
            let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
            let descriptor = socket(CInt(address.protocol.rawValue), type, 0)
            guard descriptor >= 0 else {
                throw IOError(errnoCode: errno, reason: "socket")
            }
            if address.withSockAddr({ Glibc.connect(descriptor, $0, socklen_t($1)) }) == 0 {
                return descriptor
            }
            var error = errno
            if error == EINPROGRESS {
                error = ETIMEDOUT
                if self.wait(for: POLLOUT, on: descriptor, until: .now() + self.connectTime) {
                    var length = socklen_t(MemoryLayout<CInt>.size)
                    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
                }
            }
            guard error != 0 else {
                return descriptor
            }
            close(descriptor)
            failure = IOError(errnoCode: error, reason: "connect")
        }
        throw failure
    }

    /// Calls a method.
    ///
    /// - Parameter time: How long the answer may take.
    package func call(
        _ method: String,
        _ argument: JSONValue,
        within time: TimeAmount
    ) throws(Failure) -> JSONValue {
        self.lastID += 1
        var request = ByteBuffer()
        request.writeRPCRequest(
            id: self.lastID,
            codec: .json,
            name: ByteBuffer(string: method),
            argument: ByteBuffer(json: argument)
        )
        let deadline = NIODeadline.now() + time
        let silent = Failure.silent(method: method, seconds: time.nanoseconds / 1_000_000_000)
        while request.readableBytes > 0 {
            guard Self.wait(for: POLLOUT, on: self.descriptor, until: deadline) else { throw silent }
            let descriptor = self.descriptor
            let count = request.withUnsafeReadableBytes {
                send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count >= 0 || errno == EAGAIN || errno == EINTR else {
                throw .broken(method: method, String(cString: strerror(errno)))
            }
            request.moveReaderIndex(forwardBy: max(0, count))
        }
        while true {
            let frame: RPCFrame?
            do {
                frame = try self.decoder.next()
            } catch {
                throw .broken(method: method, error.description)
            }
            // An earlier call's reply may come late.
            if let frame, frame.id == self.lastID {
                return try Self.result(of: frame, method)
            }
            guard frame == nil else {
                continue
            }
            guard Self.wait(for: POLLIN, on: self.descriptor, until: deadline) else { throw silent }
            try self.read(method)
        }
    }

    private func read(_ method: String) throws(Failure) {
        var bytes = ByteBuffer()
        let descriptor = self.descriptor
        let count = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 * 1024) {
            max(0, recv(descriptor, $0.baseAddress, $0.count, 0))
        }
        guard count > 0 else {
            if errno == EAGAIN || errno == EINTR {
                return
            }
            throw .broken(method: method, "the server closed the connection")
        }
        self.decoder.append(bytes)
    }

    private static func result(of frame: RPCFrame, _ method: String) throws(Failure) -> JSONValue {
        guard !frame.isError else {
            throw .refused(String(buffer: frame.body))
        }
        do {
            return try JSONValue(parsing: frame.body.readableBytesView)
        } catch {
            throw .broken(method: method, error.description)
        }
    }

    /// - Returns: Whether the descriptor is ready, or has failed, before the deadline.
    private static func wait(for events: Int32, on descriptor: CInt, until deadline: NIODeadline) -> Bool {
        while true {
            let rest = deadline - .now()
            guard rest > .zero else {
                return false
            }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let milliseconds = min(rest.nanoseconds / 1_000_000 + 1, 60_000)
            if poll(&entry, 1, Int32(milliseconds)) > 0 {
                return true
            }
        }
    }
}
