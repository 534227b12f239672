import Foundation
import Testing

@testable import Observability

/// A folder of its own with a log file in it.
final class TestOutput {
    let folder: URL
    let path: String
    let output: LogOutput

    init(rotation: LogRotation? = nil) throws {
        self.folder = FileManager.default.temporaryDirectory.appendingPathComponent("rr-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        self.path = self.folder.appendingPathComponent("app.log").path
        self.output = try LogOutput(.file(path: self.path, rotation: rotation), style: LogStyle(.raw))
    }

    deinit {
        try? FileManager.default.removeItem(at: self.folder)
    }

    /// All that was logged.
    func text() -> String {
        LogOutput.flush([self.output], milliseconds: 30_000)
        return self.text(of: "app.log")
    }

    func text(of name: String) -> String {
        (try? String(contentsOf: self.folder.appendingPathComponent(name), encoding: .utf8)) ?? "there is no \(name)"
    }

    var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: self.folder.path).sorted() }
    }
}
