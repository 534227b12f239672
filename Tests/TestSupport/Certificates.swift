import Foundation

/// Certificates and keys in a directory of its own, made by `openssl`: an authority `ca`, and what is asked for.
package struct Certificates: Sendable {
    package let directory: TemporaryDirectory

    package init() throws {
        self.directory = try TemporaryDirectory()
        try self.makeAuthority("ca")
    }

    package func file(_ name: String) -> String { self.directory.file(name) }
    package func remove() { self.directory.remove() }

    /// `NAME.crt` and `NAME.key`, which sign others or themselves.
    package func makeAuthority(_ name: String) throws {
        try self.openssl(
            "req -x509 \(Self.newKey(name)) -days 30 -subj /CN=\(name) -out \(name).crt")
    }

    /// `NAME.crt` and `NAME.key`.
    ///
    /// - Parameters:
    ///   - subject: As `openssl` takes it: `/O=Acme/CN=device`. `/CN=NAME` if there is none.
    ///   - names: As OpenSSL's configuration takes them: `DNS:localhost,IP:127.0.0.1`.
    ///   - usage: `serverAuth`, `clientAuth`.
    ///   - days: Below 0: it has expired.
    package func make(
        _ name: String, subject: String? = nil, names: String? = nil, usage: String? = nil, days: Int = 30,
        by authority: String = "ca"
    ) throws {
        let extensions = [names.map { "subjectAltName=\($0)" }, usage.map { "extendedKeyUsage=\($0)" }]
        try self.directory.write(
            extensions.compactMap { $0 }.joined(separator: "\n") + "\nbasicConstraints=CA:FALSE\n", to: "\(name).ext")
        try self.openssl("req \(Self.newKey(name)) -subj \(subject ?? "/CN=\(name)") -out \(name).csr")
        try self.openssl(
            "x509 -req -in \(name).csr -CA \(authority).crt -CAkey \(authority).key -CAcreateserial -days \(days) "
                + "-extfile \(name).ext -out \(name).crt")
    }

    private static func newKey(_ name: String) -> String {
        "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout \(name).key"
    }

    /// - Returns: What it has written to standard output.
    @discardableResult
    package func openssl(_ words: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + words.split(separator: " ").map { String($0) }
        process.currentDirectoryURL = URL(fileURLWithPath: self.directory.path)
        process.standardError = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(words: words) }
        return text
    }

    struct Failed: Error {
        var words: String
    }
}
