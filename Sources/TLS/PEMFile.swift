import Glibc

/// A file of certificates or of a key.
struct PEMFile {
    private static let mostBytes = 1 << 20

    let bytes: [UInt8]

    /// - Throws: Why it cannot be read, and what to do.
    init(_ path: String) throws(Fault) {
        // Non-blocking: opening a pipe must not wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Fault(
                String(cString: strerror(errno)).lowercased(),
                fix: errno == EACCES ? "make it readable for this user" : "correct the path")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= Self.mostBytes {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Fault(String(cString: strerror(errno)).lowercased(), fix: "name a file in PEM")
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        guard bytes.count <= Self.mostBytes else {
            throw Fault("is larger than 1 MiB", fix: "surely this is another file")
        }
        guard !bytes.isEmpty else { throw Fault("is empty", fix: "name a file in PEM") }
        self.bytes = bytes
    }

    struct Fault: Error {
        let reason: String
        let fix: String

        init(_ reason: String, fix: String) {
            self.reason = reason
            self.fix = fix
        }
    }

    var holdsKey: Bool {
        self.holds("PRIVATE KEY-----")
    }

    var holdsCertificate: Bool {
        self.holds("-----BEGIN CERTIFICATE-----") || self.holds("-----BEGIN TRUSTED CERTIFICATE-----")
    }

    /// Whether the key needs a password, which nobody could type in.
    var holdsEncryptedKey: Bool {
        self.holds("-----BEGIN ENCRYPTED PRIVATE KEY-----") || self.holds("Proc-Type: 4,ENCRYPTED")
    }

    private func holds(_ text: String) -> Bool {
        self.bytes.firstRange(of: text.utf8) != nil
    }
}

/// Which file is at a path, and in which state: another one, or another content, is another value.
///
/// The link that Kubernetes swaps is followed.
struct FileState: Hashable, Sendable {
    private let device: dev_t
    private let node: ino_t
    private let size: off_t
    private let modified: [Int]

    /// `nil` if there is no such file.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.device = status.st_dev
        self.node = status.st_ino
        self.size = status.st_size
        self.modified = [
            status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
        ]
    }
}
