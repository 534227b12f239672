import Foundation
import TestSupport
import Testing

@testable import Observability

/// A folder of its own with a log file in it.
final class TestOutput {
    let directory: TemporaryDirectory
    let path: String
    let output: LogOutput

    init(rotation: LogRotation? = nil) throws {
        self.directory = try TemporaryDirectory()
        self.path = self.directory.file("app.log")
        self.output = try LogOutput(.file(path: self.path, rotation: rotation), style: LogStyle(.raw))
    }

    deinit {
        self.directory.remove()
    }

    /// All that was logged.
    func text() -> String {
        LogOutput.flush([self.output], milliseconds: 30_000)
        return self.text(of: "app.log")
    }

    func text(of name: String) -> String {
        (try? String(contentsOfFile: self.directory.file(name), encoding: .utf8)) ?? "there is no \(name)"
    }

    var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: self.directory.path).sorted() }
    }
}
