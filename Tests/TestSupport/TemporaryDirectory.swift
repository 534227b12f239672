import Foundation

/// A new directory for a test's files, which the test removes.
package struct TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        // A short one: the path of a socket may have 107 bytes.
        var template = Array("/tmp/rr-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
        self.path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    package func file(_ name: String) -> String {
        "\(self.path)/\(name)"
    }

    /// - Parameter name: May have folders, which are made.
    /// - Returns: The file's path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try self.write(Array(text.utf8), to: name)
    }

    @discardableResult
    package func write(_ bytes: [UInt8], to name: String) throws -> String {
        let url = URL(fileURLWithPath: self.file(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url, options: .atomic)
        return self.file(name)
    }

    /// Whether it is kept for a look into it: the environment has `RR_TEST_KEEP`.
    package var isKept: Bool {
        ProcessInfo.processInfo.environment["RR_TEST_KEEP"] != nil
    }

    package func remove() {
        if !self.isKept {
            try? FileManager.default.removeItem(atPath: self.path)
        }
    }
}
