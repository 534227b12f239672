import Glibc
import NIOCore
import NIOSSL

/// What the files of a plan held when they were read: everything that a handshake needs. It does not change.
package final class TLSContexts: Sendable {
    package struct Expiry: Hashable, Sendable {
        /// The file.
        package var certificate: String
        /// In seconds since 1970.
        package var notAfter: Int
    }

    package let plan: TLSPlan
    /// Of clients that want no name.
    let standard: NIOSSLContext
    /// By name in lower case; `*.example.com` stands for one more label.
    private let byName: [String: NIOSSLContext]
    package let expiries: [Expiry]

    /// Reads and checks the files; blocks.
    package init(_ plan: TLSPlan) throws(TLSFault) {
        self.plan = plan
        let authorities = try plan.authorities.map { path throws(TLSFault) in
            try Self.certificates(path, .authorities)
        }
        var contexts: [NIOSSLContext] = []
        var byName: [String: NIOSSLContext] = [:]
        var expiries: [Expiry] = []
        for (number, identity) in plan.identities.enumerated() {
            let chain = try Self.certificates(identity.certificate, .certificate(number))
            let key = try Self.key(identity.key, number)
            let context = try Self.context(plan, chain, key, authorities ?? [], identity, number)
            contexts.append(context)
            for name in identity.names.isEmpty ? Self.names(of: chain[0]) : identity.names where byName[name] == nil {
                byName[name] = context
            }
            expiries.append(Expiry(certificate: identity.certificate, notAfter: chain[0].notValidAfter))
        }
        self.standard = contexts[0]
        self.byName = byName
        self.expiries = expiries
    }

    /// - Parameter serverName: In lower case; `nil` if the client wants none.
    /// - Returns: `nil` if the client is to be refused.
    func context(for serverName: String?) -> NIOSSLContext? {
        guard let serverName else { return self.standard }
        if let context = self.byName[serverName] { return context }
        if let dot = serverName.firstIndex(of: "."), let context = self.byName["*" + serverName[dot...]] {
            return context
        }
        return self.plan.isStrict ? nil : self.standard
    }

    // MARK: Reading

    private static func certificates(_ path: String, _ file: TLSFault.File) throws(TLSFault) -> [NIOSSLCertificate] {
        let pem = try self.pem(path, file)
        guard pem.holdsCertificate else {
            let reason = pem.holdsKey ? "is a key, not a certificate" : "there is no certificate in it"
            throw TLSFault(file: file, path: path, reason: reason, fix: "name a file in PEM, the server's own first")
        }
        let certificates = try? NIOSSLCertificate.fromPEMBytes(pem.bytes)
        guard let certificates, !certificates.isEmpty else {
            throw TLSFault(
                file: file, path: path, reason: "a certificate in it is damaged",
                fix: "copy the whole file again, in PEM")
        }
        return certificates
    }

    private static func key(_ path: String, _ number: Int) throws(TLSFault) -> NIOSSLPrivateKey {
        let pem = try self.pem(path, .key(number))
        func fault(_ reason: String, _ fix: String) -> TLSFault {
            TLSFault(file: .key(number), path: path, reason: reason, fix: fix)
        }
        guard !pem.holdsEncryptedKey else {
            throw fault(
                "the key is encrypted, and nobody is there to type its password",
                "decrypt it: openssl pkey -in FILE -out NEWFILE")
        }
        guard pem.holdsKey else {
            throw fault(
                pem.holdsCertificate ? "is a certificate, not a key" : "there is no key in it",
                "name a file in PEM")
        }
        do {
            return try NIOSSLPrivateKey(bytes: pem.bytes, format: .pem)
        } catch {
            throw fault("the key in it is damaged", "copy the whole file again, in PEM")
        }
    }

    private static func pem(_ path: String, _ file: TLSFault.File) throws(TLSFault) -> PEMFile {
        do throws(PEMFile.Fault) {
            return try PEMFile(path)
        } catch {
            throw TLSFault(file: file, path: path, reason: error.reason, fix: error.fix)
        }
    }

    private static func context(
        _ plan: TLSPlan,
        _ chain: [NIOSSLCertificate],
        _ key: NIOSSLPrivateKey,
        _ authorities: [NIOSSLCertificate],
        _ identity: TLSPlan.Identity,
        _ number: Int
    ) throws(TLSFault) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = plan.minimumVersion == .tls13 ? .tlsv13 : .tlsv12
        configuration.applicationProtocols = plan.applicationProtocols
        // An end that waits is the session's own: what the client has still to be sent is flushed before.
        configuration.shutdownTimeout = .zero
        configuration.trustRoots = .certificates(authorities)
        switch plan.clients {
        case .none: configuration.certificateVerification = .none
        case .request, .verifyIfGiven: configuration.certificateVerification = .optionalVerification
        // A client has no host's name.
        case .requireAny, .requireAndVerify: configuration.certificateVerification = .noHostnameVerification
        }
        if plan.clients.verifies {
            configuration.sendCANameList = true
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            // The key itself was read before: what is left is that it is another certificate's.
            let isPair = (error as? NIOSSLError) == .failedToLoadPrivateKey
            throw TLSFault(
                file: .key(number), path: identity.key,
                reason: isPair
                    ? "is not the key of \(identity.certificate)" : "cannot be used: \(TLSWords.reason("\(error)"))",
                fix: "name the key that the certificate was made with")
        }
    }

    /// The names that a certificate is for.
    private static func names(of certificate: NIOSSLCertificate) -> [String] {
        CertificateFacts(certificate).names.filter { $0.hasPrefix("DNS:") }.map { $0.dropFirst(4).lowercased() }
    }
}
