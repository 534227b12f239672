import Glibc

/// Reads a small file whole.
enum TextFile {
    /// The most bytes of a file; a configuration has a few thousand.
    static let maximumSize = 1 << 20

    /// - Parameters:
    ///   - path: absolute.
    ///   - isUTF8: whether anything else is an error.
    /// - Throws: ``ConfigurationError`` with ``ConfigurationError/Code/unreadableFile``.
    static func read(_ path: String, isUTF8: Bool = true) throws(ConfigurationError) -> [UInt8] {
        func fault(_ message: String, fix: String? = nil) -> ConfigurationError {
            ConfigurationError(code: .unreadableFile, message: message, file: path, fix: fix)
        }
        guard !path.utf8.contains(0) else { throw fault("a path cannot hold a NUL") }
        // Non-blocking: opening a pipe must not wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: throw fault("the file does not exist", fix: "name another one with -c")
            case EACCES: throw fault("permission denied", fix: "make it readable for this user")
            default: throw fault("cannot be opened: \(String(cString: strerror(errno)))")
            }
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw fault("cannot be examined") }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw fault("is a directory, not a file") }
        guard let bytes = contents(of: descriptor) else {
            throw fault("cannot be read: \(String(cString: strerror(errno)))")
        }
        guard bytes.count <= maximumSize else {
            throw fault("is larger than \(maximumSize >> 10) KiB", fix: "surely this is another file")
        }
        if isUTF8, let offset = invalidByte(in: bytes) {
            let before = bytes[..<offset]
            let line = before.count { $0 == UInt8(ascii: "\n") } + 1
            let lineStart = (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
            let column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
            throw ConfigurationError(
                code: .unreadableFile,
                message: "is not UTF-8",
                file: path,
                line: line,
                column: column,
                fix: "save it as UTF-8"
            )
        }
        return bytes
    }

    /// The contents, up to one chunk more than the limit; `nil` on an error.
    private static func contents(of descriptor: CInt) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= maximumSize {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// The offset of the first byte that is not UTF-8.
    private static func invalidByte(in bytes: [UInt8]) -> Int? {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var valid = 0
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): valid += UTF8.width(scalar)
            case .emptyInput: return nil
            case .error: return valid
            }
        }
    }
}

/// `read(2)`, whose name is shadowed within ``TextFile``.
private func systemRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
