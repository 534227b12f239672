import Foundation

/// Holds workers that were told to wait for it, until it is opened.
struct Gate {
    let path: String

    /// The request that makes a worker wait.
    var order: String { "wait \(self.path)" }

    func open() throws {
        try Data().write(to: URL(filePath: self.path))
    }

    /// Holds back workers that arrive from now on.
    func shut() throws {
        try check(unlink(self.path), "unlink \(self.path)")
    }
}
