import Glibc

/// The file that `rr serve -p` writes the process id to, for `rr stop`.
package struct PIDFile: Sendable {
    /// As RoadRunner names it, in the working directory.
    package static let name = ".pid"

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    private let path: String

    /// Writes the file in the current directory; one that a process left behind is replaced.
    ///
    /// - Throws: ``Failure`` when it names a server of this directory that is alive, or cannot be written.
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

    /// - Returns: `nil` when there is no such file, or it holds anything but one process id.
    package static func read(_ path: String) -> pid_t? {
        guard let file = fopen(path, "re") else {
            return nil
        }
        defer { fclose(file) }
        return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            let count = fread(buffer.baseAddress, 1, buffer.count, file)
            let words = String(decoding: buffer[..<count], as: UTF8.self).split(whereSeparator: \.isWhitespace)
            // 0 and less mean whole groups of processes to kill(2).
            guard words.count == 1, let pid = pid_t(words[0]), pid > 0 else {
                return nil
            }
            return pid
        }
    }
}
