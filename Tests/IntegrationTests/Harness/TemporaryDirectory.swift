import Foundation

/// A new directory for a test's files.
struct TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/rr-integration-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SystemError("mkdtemp")
        }
        self.path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    func file(_ name: String) -> String {
        "\(self.path)/\(name)"
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: self.file(name), atomically: true, encoding: .utf8)
        return self.file(name)
    }

    /// Keeps it when the environment has `RR_TEST_KEEP`, to look into it.
    func remove() {
        if ProcessInfo.processInfo.environment["RR_TEST_KEEP"] == nil {
            try? FileManager.default.removeItem(atPath: self.path)
        }
    }
}
