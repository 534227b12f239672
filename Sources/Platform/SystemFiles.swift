import Glibc

/// The files in which the kernel tells about processes and machines, below a root that tests can make up.
struct SystemFiles: Sendable {
    /// The most bytes of a file that are read: a host may have thousands of mounts.
    private static let limit = 4 << 20

    /// Put before each path; empty for the real ones.
    let root: String

    /// - Parameter path: absolute.
    /// - Returns: `nil` when there is no such file, or it cannot be read.
    func text(_ path: String) -> String? {
        guard let file = fopen(self.root + path, "re") else {
            return nil
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        // These files have no size: they are read until their end.
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            while bytes.count < Self.limit, case let count = fread(buffer.baseAddress, 1, buffer.count, file), count > 0
            {
                bytes.append(contentsOf: buffer[..<count])
            }
        }
        return ferror(file) == 0 ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
