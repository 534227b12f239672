import Foundation

/// The program `StorageWriter`, which is killed at the end of its use at the latest.
package final class StorageProcess {
    private let process = Process()
    private let output: FileHandle
    private var buffer = Data()

    package init(_ arguments: String...) throws {
        let pipe = Pipe()
        let directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        self.process.executableURL = directory.appendingPathComponent("StorageWriter")
        self.process.arguments = arguments
        self.process.standardOutput = pipe
        self.process.standardError = FileHandle.nullDevice
        self.output = pipe.fileHandleForReading
        try self.process.run()
    }

    /// The next line; `nil` when the process has ended.
    package func line() -> String? {
        while true {
            if let end = self.buffer.firstIndex(of: 0x0A) {
                let line = String(decoding: self.buffer[..<end], as: UTF8.self)
                self.buffer = Data(self.buffer[(end + 1)...])
                return line
            }
            let data = self.output.availableData
            guard !data.isEmpty else { return nil }
            self.buffer += data
        }
    }

    package func end() {
        kill(self.process.processIdentifier, SIGKILL)
        self.process.waitUntilExit()
    }
}
