import Edge
import Glibc
import NIOCore
import NIOSSL
import NIOTLS

/// Encrypts a connection: reads the client's hello, chooses the certificate, and leaves the rest to the library.
package struct TLSStage: EncryptingStage {
    private let contexts: TLSContexts
    private let timeout: TimeAmount
    private var hello = ByteBuffer()
    /// The number of bytes of it before which there is nothing to see.
    private var wanted = 1
    private var serverName: String?
    private var handler: NIOSSLServerHandler?
    private var tap: CipherTap?

    /// - Parameter timeout: For the handshake.
    package init(_ contexts: TLSContexts, timeout: TimeAmount) {
        self.contexts = contexts
        self.timeout = timeout
    }

    package var deadline: StageDeadline {
        StageDeadline(self.timeout, EdgeFailure(.tlsTimeout, "the client was too slow with the handshake"))
    }

    package mutating func received(_ bytes: ByteBuffer) throws(EdgeFailure) -> Encryption? {
        self.hello.writeImmutableBuffer(bytes)
        guard self.hello.readableBytes >= self.wanted else { return nil }
        switch ClientHello(self.hello.readableBytesView) {
        case .incomplete(let wanted):
            self.wanted = wanted
            return nil
        case .foreign(let text):
            throw EdgeFailure(.notTLS, text)
        case .complete(let serverName):
            guard let context = self.contexts.context(for: serverName) else {
                let reason = "no certificate is for \(serverName ?? "")"
                throw EdgeFailure(.unknownName, reason, farewell: Self.unrecognizedName)
            }
            self.serverName = serverName
            let handler = self.contexts.plan.makeHandler(context)
            self.handler = handler
            let received = self.hello
            self.hello = ByteBuffer()
            let tap = CipherTap()
            self.tap = tap
            return Encryption(handlers: [tap, handler], received: received)
        }
    }

    /// A fatal alert (RFC 6066, 3).
    private static let unrecognizedName: [UInt8] = [21, 3, 3, 0, 2, 2, 112]

    package mutating func isEstablished(by event: Any, _ facts: inout EdgeFacts) throws(EdgeFailure) -> Bool {
        guard case .handshakeCompleted(let applicationProtocol)? = event as? TLSUserEvent, let handler else {
            return false
        }
        guard !self.contexts.plan.isExpired(handler.peerCertificate) else {
            throw EdgeFailure(.clientCertificate, "the client's certificate has expired since its session began")
        }
        var found: [TransportFact] = []
        if let version = handler.tlsVersion {
            found.append(TransportFact("version", .text(version == .tlsv13 ? "1.3" : "1.2")))
        }
        if let cipher = self.tap?.cipher.flatMap({ ServerHello.name(ofCipher: $0) }) {
            found.append(TransportFact("cipher", .text(cipher)))
        }
        if let serverName {
            found.append(TransportFact("sni", .text(serverName)))
        }
        if let applicationProtocol {
            found.append(TransportFact("alpn", .text(applicationProtocol)))
        }
        let certificate = handler.peerCertificate.map { CertificateFacts($0) }
        found.append(TransportFact("verified", .flag(certificate != nil && self.contexts.plan.clients.verifies)))
        facts.transport.append(TransportFact("tls", .object(found + (certificate?.transport ?? []))))
        // The handler is in the pipeline, and needs no other owner; the tap has left it.
        self.handler = nil
        self.tap = nil
        return true
    }

    package func failure(_ error: any Error) -> EdgeFailure {
        EdgeFailure(ofHandshake: error)
    }

    /// A client that closes its socket without a word: what it sent before is answered, as on a connection in clear.
    package func isHarmless(_ error: any Error) -> Bool {
        (error as? NIOSSLError) == .uncleanShutdown
    }
}

extension CertificateFacts {
    fileprivate var transport: [TransportFact] {
        [
            TransportFact("subject", .text(self.subject)),
            TransportFact("san", .list(self.names.map { .text($0) })),
            TransportFact("serial", .text(self.serial)),
            TransportFact("fingerprint_sha256", .text(self.fingerprint)),
            TransportFact("not_after", .text(self.notAfter)),
        ]
    }
}

extension TLSPlan {
    /// Whether a verified certificate is past its end: who resumes a session is not verified again.
    func isExpired(_ certificate: NIOSSLCertificate?) -> Bool {
        guard let certificate, self.clients.verifies else { return false }
        return certificate.notValidAfter <= time(nil)
    }

    /// The handler of one connection.
    fileprivate func makeHandler(_ context: NIOSSLContext) -> NIOSSLServerHandler {
        switch self.clients {
        case .none, .verifyIfGiven, .requireAndVerify:
            NIOSSLServerHandler(context: context)
        case .request, .requireAny:
            // As the configuration says: whatever comes is taken, and workers are told that it is not verified.
            NIOSSLServerHandler(context: context) { _, promise in promise.succeed(.certificateVerified) }
        }
    }
}

extension TLSServer {
    /// Makes the handlers of a connection to a listener that knows one certificate only, the one next to the socket first.
    package var encryption: @Sendable () -> [any ChannelHandler] {
        {
            let contexts = self.contexts
            let handler = contexts.plan.makeHandler(contexts.standard)
            return contexts.plan.clients.verifies ? [handler, ExpiryCheck(contexts.plan, handler)] : [handler]
        }
    }
}

/// Closes a connection whose client has resumed a session with a certificate that has expired since.
private final class ExpiryCheck: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let plan: TLSPlan
    private let handler: NIOSSLServerHandler
    private var isRefused = false

    init(_ plan: TLSPlan, _ handler: NIOSSLServerHandler) {
        self.plan = plan
        self.handler = handler
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent, self.plan.isExpired(self.handler.peerCertificate) {
            self.isRefused = true
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !self.isRefused {
            context.fireChannelRead(data)
        }
    }
}
