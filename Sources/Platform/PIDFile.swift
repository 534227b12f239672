import Glibc

/// The file to which `rr serve -p` writes its process id, for `rr stop`.
package struct PIDFile: Sendable {
    /// RoadRunner's name for the file, in the working directory.
    package static let name = ".pid"

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    private let path: String

    /// Writes the file in the current directory; one that a process left behind is replaced.
    ///
    /// - Throws: ``Failure`` if it names a live server of this directory, or cannot be written.
    package init() throws {
        self.path = Self.name
        if let other = Self.read(self.path), ServerProcess(other)?.serves(in: ".") == true {
            throw Failure(description: "the pid file \(self.path) names process \(other): rr is running already")
        }
        guard let file = fopen(self.path, "we") else {
            throw Failure(description: "cannot write the pid file \(self.path): \(String(cString: strerror(errno)))")
        }
        fputs("\(getpid())\n", file)
        fclose(file)
    }

    /// Removes the file, unless another process has written it anew.
    package func remove() {
        if Self.read(self.path) == getpid() {
            unlink(self.path)
        }
    }

    /// - Returns: `nil` if the file does not exist, or holds anything but one process id.
    package static func read(_ path: String) -> pid_t? {
        guard let file = fopen(path, "re") else {
            return nil
        }
        defer { fclose(file) }
        return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            let count = fread(buffer.baseAddress, 1, buffer.count, file)
            let words = String(decoding: buffer[..<count], as: UTF8.self).split(whereSeparator: \.isWhitespace)
            // For kill(2), 0 and negative numbers mean whole groups of processes.
            guard words.count == 1, let pid = pid_t(words[0]), pid > 0 else {
                return nil
            }
            return pid
        }
    }
}
