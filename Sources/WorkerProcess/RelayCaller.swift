import Dispatch
import Glibc
import Goridge
import NIOCore

/// A connection to the relay's socket that is not matched with a worker yet. Confined to its queue.
final class RelayCaller {
    enum Event {
        /// The connection has named its process.
        case introduced(pid_t)
        /// The connection is closed, or has sent something else.
        case failed
    }

    /// The most that is read before the connection is handed over, in bytes.
    private static let limit = 4096

    /// Unique for the life of the process.
    let id: UInt64
    let since = DispatchTime.now()
    private let descriptor: CInt
    private let source: any DispatchSourceRead
    private var decoder = FrameDecoder(payloadLimit: RelayCaller.limit)
    /// The process that the connection claims to be.
    private(set) var claimed: pid_t?
    private var owner: @Sendable (CInt) -> Void = { close($0) }
    /// All bytes that were read, for the connection's later owner.
    private(set) var received = ByteBuffer()

    /// - Parameters:
    ///   - descriptor: A connected socket that does not block, owned from here on.
    ///   - handle: Called on the queue.
    init(id: UInt64, descriptor: CInt, queue: DispatchQueue, handle: @escaping (RelayCaller, Event) -> Void) {
        self.id = id
        self.descriptor = descriptor
        self.source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        // The caller lives until its source is cancelled, which releases both.
        self.source.setEventHandler {
            if let event = self.read() {
                handle(self, event)
            }
        }
        self.source.setCancelHandler { self.owner(descriptor) }
        self.source.activate()
    }

    /// The real process at the other end.
    var peer: RelayPeer {
        RelayPeer(descriptor: self.descriptor)
    }

    /// Sends the server's part of the handshake, which fits into the buffer of a new socket.
    ///
    /// - Returns: Whether that worked.
    func greet(serverPID: Int) -> Bool {
        var frame = ByteBuffer()
        frame.writeControlFrame(.pid(serverPID))
        let count = frame.withUnsafeReadableBytes {
            send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        return count == frame.readableBytes
    }

    /// Reads the available bytes, on the queue.
    func read() -> Event? {
        var error: CInt = 0
        let count = self.received.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.limit) { buffer in
            let count = recv(self.descriptor, buffer.baseAddress, Self.limit, 0)
            error = count < 0 ? errno : 0
            return max(count, 0)
        }
        guard count > 0 else {
            // At the end of the connection there is no error; the socket stays readable.
            return [EAGAIN, EINTR].contains(error) ? nil : .failed
        }
        guard self.claimed == nil, self.received.readableBytes <= Self.limit else {
            // A worker sends nothing more until it gets a request.
            return .failed
        }
        self.decoder.append(
            self.received.getSlice(at: self.received.writerIndex - count, length: count) ?? ByteBuffer())
        do throws(FrameError) {
            guard let frame = try self.decoder.next() else {
                return nil
            }
            guard frame.flags.contains(.control), case .pid(let number) = ControlMessage(payload: frame.payload),
                let pid = pid_t(exactly: number), pid > 0
            else {
                return .failed
            }
            self.claimed = pid
            return .introduced(pid)
        } catch {
            return .failed
        }
    }

    /// Gives the descriptor away, on the queue, once its source is cancelled; without an owner it is closed.
    func release(to owner: (@Sendable (CInt) -> Void)? = nil) {
        self.owner = owner ?? self.owner
        self.source.cancel()
    }
}
