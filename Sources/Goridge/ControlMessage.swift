import JSON
import NIOCore

/// A message between server and worker about themselves, as JSON in a control frame.
package enum ControlMessage: Sendable, Hashable {
    /// The handshake: each side tells its process id, the server first.
    case pid(Int)
    /// The server asks the worker to end.
    case stop

    /// Reads the payload of a control frame; `nil` when it is neither of these.
    package init?(payload: ByteBuffer) {
        guard let object = try? JSONValue(parsing: payload.readableBytesView), case .object = object else {
            return nil
        }
        let number: Int?
        switch object["pid"] {
        case nil, .null: number = nil
        case .some(let value):
            number = value.integer()
            guard number != nil else { return nil }
        }
        switch object["stop"] {
        case .bool(true): self = .stop
        case nil, .null, .bool(false):
            guard let number else { return nil }
            self = .pid(number)
        default: return nil
        }
    }

    /// Whether an answer's context is `{"stop":true}`: the worker wants to be replaced.
    package static func isStop(context: ByteBuffer) -> Bool {
        // Most contexts are WRITE or CONTINUE, and need no JSON parser.
        guard context.getInteger(at: context.readerIndex, as: UInt8.self) == UInt8(ascii: "{") else {
            return false
        }
        return ControlMessage(payload: context) == .stop
    }

    fileprivate var json: String {
        switch self {
        case .pid(let pid): "{\"pid\":\(pid)}"
        case .stop: "{\"stop\":true}"
        }
    }
}

/// A worker's statement about itself in its handshake.
package struct WorkerGreeting: Sendable, Hashable {
    /// Whether the worker answers each event exactly once and in order. It may gather answers before it writes them.
    package let answersOnce: Bool

    /// Reads the payload of a control frame; `nil` if it has no pid.
    package init?(payload: ByteBuffer) {
        guard case .pid = ControlMessage(payload: payload),
            let object = try? JSONValue(parsing: payload.readableBytesView)
        else {
            return nil
        }
        self.answersOnce = object["answers"] == .string("batched")
    }
}

extension ByteBuffer {
    /// Appends a control frame: JSON, no options.
    package mutating func writeControlFrame(_ message: ControlMessage) {
        let json = message.json
        self.writeFrameHeader(
            FrameHeader(flags: .control, optionCount: 0, payloadLength: UInt32(json.utf8.count))
        )
        self.writeString(json)
    }
}
