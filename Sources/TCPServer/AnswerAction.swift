import Glibc
import NIOCore

/// The action that a worker's answer asks for (docs/protocol.md).
enum AnswerAction: Hashable {
    /// `WRITE`: write the body, keep reading.
    case write
    /// `WRITECLOSE`: write the body, then close.
    case writeAndClose
    /// `CONTINUE`: keep reading.
    case keepReading
    /// `STARTTLS`: write the body in clear, then encrypt.
    case startTLS
    /// `CLOSE`, or anything unknown: close, write nothing.
    case close

    init(context: ByteBuffer) {
        self = context.withUnsafeReadableBytes { bytes in
            switch bytes.count {
            case 5 where Self.isEqual(bytes, "WRITE"): .write
            case 8 where Self.isEqual(bytes, "CONTINUE"): .keepReading
            case 8 where Self.isEqual(bytes, "STARTTLS"): .startTLS
            case 10 where Self.isEqual(bytes, "WRITECLOSE"): .writeAndClose
            default: .close
            }
        }
    }

    private static func isEqual(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard let base = bytes.baseAddress, bytes.count == word.utf8CodeUnitCount else {
            return false
        }
        return memcmp(base, word.utf8Start, bytes.count) == 0
    }

    var writes: Bool {
        switch self {
        case .write, .writeAndClose, .startTLS: true
        case .keepReading, .close: false
        }
    }

    var keepsReading: Bool {
        switch self {
        case .write, .keepReading, .startTLS: true
        case .writeAndClose, .close: false
        }
    }
}
