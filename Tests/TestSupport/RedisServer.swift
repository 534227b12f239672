import Foundation

/// A `redis-server` of a test's own, on loopback, with its files in a directory of its own. The test kills it at its end.
package final class RedisServer: @unchecked Sendable {
    package enum Kind: Sendable {
        case server
        /// - monitored: Lines of its configuration.
        case sentinel(configuration: String)
    }

    package struct StartError: Error, CustomStringConvertible {
        package var description: String
    }

    package let port: Int
    package let kind: Kind
    private let options: [String]
    private let directory: TemporaryDirectory
    private var process = Process()

    /// Returns once it takes connections.
    ///
    /// - Parameters:
    ///   - options: Such as `--requirepass`, `secret`.
    ///   - port: For one that takes the place of another.
    package init(_ options: [String] = [], kind: Kind = .server, port: Int? = nil) throws {
        self.kind = kind
        self.options = options
        self.directory = try TemporaryDirectory()
        // Between its choice and its use another process may take the port.
        for attempt in 1...5 {
            let candidate = try port ?? Self.freePort()
            do {
                try self.process.start(kind, options, candidate, self.directory)
                self.port = candidate
                return
            } catch  where attempt < 5 && port == nil {
                self.process = Process()
            }
        }
        throw StartError(description: "no port is free")
    }

    deinit {
        self.kill()
        self.directory.remove()
    }

    package var log: String {
        (try? String(contentsOfFile: self.directory.file("log"), encoding: .utf8)) ?? ""
    }

    package func send(signal: Int32) {
        if self.process.isRunning {
            Foundation.kill(self.process.processIdentifier, signal)
        }
    }

    /// Returns once it is gone.
    package func kill() {
        guard self.process.isRunning else { return }
        self.send(signal: SIGKILL)
        self.process.waitUntilExit()
    }

    /// Starts it anew after ``kill()``, on the same port and with the same files.
    package func restart() throws {
        try? FileManager.default.removeItem(atPath: self.directory.file("log"))
        self.process = Process()
        try self.process.start(self.kind, self.options, self.port, self.directory)
    }

    /// A port of loopback that is free now. Cluster nodes use the one 10000 above as well unless they are told another.
    package static func freePort() throws -> Int {
        let (descriptor, port) = try self.refusingSocket()
        close(descriptor)
        return port
    }

    /// A socket on a port of 127.0.0.1 that does not listen: while it is open nobody else gets the port.
    package static func refusingSocket() throws -> (descriptor: CInt, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
            }
        }
        guard code == 0 else { throw StartError(description: "no port: errno \(errno)") }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }
}

extension Process {
    fileprivate func start(
        _ kind: RedisServer.Kind, _ options: [String], _ port: Int, _ directory: TemporaryDirectory
    ) throws {
        let log = directory.file("log")
        self.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        var arguments = ["redis-server"]
        let sign: String
        switch kind {
        case .server: sign = "Ready to accept connections"
        case .sentinel(let configuration):
            // It writes what it finds out into the file.
            arguments.append(try directory.write(configuration, to: "sentinel.conf"))
            sign = "+monitor"
        }
        arguments += ["--bind", "127.0.0.1", "--dir", directory.path, "--logfile", log, "--save", ""]
        if !options.contains("--port") { arguments += ["--port", "\(port)"] }
        arguments += options.map { $0.replacingOccurrences(of: "PORT", with: "\(port)") }
        if case .sentinel = kind { arguments.append("--sentinel") }
        self.arguments = arguments
        self.standardOutput = FileHandle.nullDevice
        self.standardError = FileHandle.nullDevice
        self.standardInput = FileHandle.nullDevice
        try self.run()
        let deadline = Date(timeIntervalSinceNow: 60)
        while true {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if text.contains(sign) { return }
            guard self.isRunning, Date() < deadline else {
                self.terminate()
                throw RedisServer.StartError(description: "redis-server does not start: \(text)")
            }
            usleep(5000)
        }
    }
}

extension RedisServer {
    /// The reply of `redis-cli` to a command.
    package func ask(_ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["redis-cli", "-p", "\(self.port)"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
