import NIOSSL

/// The files of an encrypted connection. Servers are verified with their names, and speak TLS 1.2 at least.
package struct RedisTLS: Sendable, Hashable {
    /// The certificate that the client shows, with those that it is signed by, and its key.
    package struct Identity: Sendable, Hashable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// A file that cannot be used.
    package struct Fault: Error, Sendable, Hashable {
        package enum File: Sendable, Hashable {
            case certificate
            case key
            case rootCA
            /// The system's own authorities.
            case system
        }

        package var file: File
        package var reason: String
    }

    /// `nil`: the client shows none.
    package var identity: Identity?
    /// A file with authorities that are trusted besides those of the system; `nil` for none.
    package var rootCA: String?

    package init(identity: Identity? = nil, rootCA: String? = nil) {
        self.identity = identity
        self.rootCA = rootCA
    }

    /// Reads the files.
    package func context() throws(Fault) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let identity {
            configuration.certificateChain = try Self.certificates(identity.certificate, .certificate).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(
                try Self.read(.key) { try NIOSSLPrivateKey(file: identity.key, format: .pem) })
        }
        guard let rootCA else { return try Self.context(configuration) }
        let authorities = try Self.certificates(rootCA, .rootCA)
        configuration.additionalTrustRoots = [.certificates(authorities)]
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            // A small image has no authorities of its own.
            configuration.additionalTrustRoots = []
            configuration.trustRoots = .certificates(authorities)
            return try Self.context(configuration)
        }
    }

    private static func context(_ configuration: TLSConfiguration) throws(Fault) -> NIOSSLContext {
        try self.read(configuration.privateKey == nil ? .system : .key) {
            try NIOSSLContext(configuration: configuration)
        }
    }

    private static func certificates(_ path: String, _ file: Fault.File) throws(Fault) -> [NIOSSLCertificate] {
        let certificates = try self.read(file) { try NIOSSLCertificate.fromPEMFile(path) }
        guard !certificates.isEmpty else { throw Fault(file: file, reason: "there is no certificate in it") }
        return certificates
    }

    private static func read<Value>(_ file: Fault.File, _ body: () throws -> Value) throws(Fault) -> Value {
        do {
            return try body()
        } catch {
            throw Fault(file: file, reason: "\(error)".split(separator: "\n").joined(separator: " "))
        }
    }
}
