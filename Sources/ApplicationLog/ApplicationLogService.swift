import Logging
import NIOCore
import RPC

/// What workers log, as the RPC service `app`.
package struct ApplicationLogService: Sendable {
    /// The most bytes of an entry that a level writes: each is escaped, and other calls wait for that.
    private static let mostBytes = 1 << 20

    private let logger: Logger
    private let writeRaw: @Sendable (String) -> Void

    /// - Parameters:
    ///   - logger: Gets the entries that have a level. It may not block.
    ///   - writeRaw: Gets the text of the others as it is. It may not block.
    package init(logger: Logger, writeRaw: @escaping @Sendable (String) -> Void) {
        self.logger = logger
        self.writeRaw = writeRaw
    }

    package var rpc: RPCService {
        var methods: [String: RPCMethod] = [
            "Log": self.text { self.writeRaw($0) },
            "LogWithContext": self.entry { self.writeRaw($0.text) },
        ]
        let levels: [(name: String, level: Logger.Level)] = [
            ("Error", .error), ("Warning", .warning), ("Info", .info), ("Debug", .debug),
        ]
        for (name, level) in levels {
            methods[name] = self.text { self.log(level, ApplicationLogEntry(message: $0)) }
            methods["\(name)WithContext"] = self.entry { self.log(level, $0) }
        }
        return RPCService("app", methods)
    }

    private func log(_ level: Logger.Level, _ entry: ApplicationLogEntry) {
        guard level >= self.logger.logLevel else {
            return
        }
        let entry = entry.shortened(to: Self.mostBytes)
        var metadata: Logger.Metadata = [:]
        for attribute in entry.attributes {
            metadata[attribute.key] = .string(attribute.value)
        }
        self.logger.log(level: level, "\(entry.message)", metadata: metadata.isEmpty ? nil : metadata)
    }

    /// A method of a JSON string; its result means nothing.
    private func text(_ body: @escaping @Sendable (String) -> Void) -> RPCMethod {
        .immediate { call throws(RPCError) in
            body(try JSONArgument(call).text)
            return ByteBuffer(string: "false")
        }
    }

    /// A method of a log entry; its result is an empty message.
    private func entry(_ body: @escaping @Sendable (ApplicationLogEntry) -> Void) -> RPCMethod {
        .immediate { call throws(RPCError) in
            body(try ApplicationLogEntry(call))
            return call.codec == .json ? ByteBuffer(string: "{}") : ByteBuffer()
        }
    }
}
