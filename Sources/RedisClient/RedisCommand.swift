import NIOCore

/// A command with its arguments.
package struct RedisCommand: Sendable, Hashable {
    package enum Argument: Sendable, Hashable, ExpressibleByStringLiteral {
        case text(String)
        case bytes(ByteBuffer)

        package init(stringLiteral text: String) {
            self = .text(text)
        }

        package static func number(_ number: some BinaryInteger) -> Argument {
            .text(String(number))
        }

        var count: Int {
            switch self {
            case .text(let text): text.utf8.count
            case .bytes(let bytes): bytes.readableBytes
            }
        }
    }

    /// The command's name, then its arguments.
    package var arguments: [Argument]
    /// The slot of all its keys; without one any master of a cluster may run it.
    package var slot: HashSlot?
    /// Whether running it twice does the same as running it once, so that it may be sent again when nobody knows whether
    /// it was run.
    package var isRepeatable: Bool

    package init(_ arguments: [Argument], slot: HashSlot? = nil, isRepeatable: Bool = true) {
        self.arguments = arguments
        self.slot = slot
        self.isRepeatable = isRepeatable
    }

    /// What it takes while it waits: its bytes and some for each argument.
    package var size: Int {
        self.arguments.reduce(64) { $0 + $1.count + 32 }
    }

    package func write(to buffer: inout ByteBuffer) {
        buffer.writeString("*\(self.arguments.count)\r\n")
        for argument in self.arguments {
            buffer.writeString("$\(argument.count)\r\n")
            switch argument {
            case .text(let text): buffer.writeString(text)
            case .bytes(let bytes): buffer.writeImmutableBuffer(bytes)
            }
            buffer.writeStaticString("\r\n")
        }
    }
}
