import Glibc

/// The kernel's files about processes and the machine, below a root that tests can replace.
struct SystemFiles: Sendable {
    /// The most bytes of a file that are read: a host may have thousands of mounts.
    private static let limit = 4 << 20

    /// The prefix of each path; empty for the real files.
    let root: String

    /// - Parameter path: absolute.
    /// - Returns: `nil` if the file does not exist or cannot be read.
    func text(_ path: String) -> String? {
        self.bytes(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// - Parameter path: absolute.
    /// - Returns: `nil` if the file does not exist or cannot be read: a process may end in between.
    func bytes(_ path: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        let isComplete = self.read(path, chunk: 4096) { part in
            bytes.append(contentsOf: part)
            return bytes.count < Self.limit
        }
        return isComplete ? bytes : nil
    }

    /// Reads a file in parts; these files have no size, so it is read until its end.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - chunk: The most bytes of a part.
    ///   - body: Takes a part, and returns whether to go on.
    /// - Returns: Whether it was read to its end, or as far as `body` wanted.
    func read(_ path: String, chunk: Int, _ body: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        let file = open(self.root + path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            return false
        }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: chunk, alignment: 1) { buffer in
            while true {
                let count = Glibc.read(file, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR {
                    continue
                }
                guard count > 0 else {
                    return count == 0
                }
                guard body(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else {
                    return true
                }
            }
        }
    }

    /// The names in a directory, without `.` and `..`.
    ///
    /// - Parameter body: Takes the directory's descriptor and a name, and returns whether to go on.
    /// - Returns: Whether the directory could be opened.
    @discardableResult
    func forEachName(in path: String, _ body: (CInt, UnsafePointer<CChar>) -> Bool) -> Bool {
        guard let directory = opendir(self.root + path) else {
            return false
        }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let goesOn = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                    strcmp($0, ".") == 0 || strcmp($0, "..") == 0 || body(dirfd(directory), $0)
                }
            }
            guard goesOn else {
                break
            }
        }
        return true
    }
}
