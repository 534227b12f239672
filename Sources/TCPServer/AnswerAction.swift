import NIOCore

/// What a worker's answer asks for (REFERENCE 3).
enum AnswerAction: Hashable {
    /// `WRITE`: write the body, keep reading.
    case write
    /// `WRITECLOSE`: write the body, then close.
    case writeAndClose
    /// `CONTINUE`: keep reading.
    case keepReading
    /// `CLOSE`, or anything unknown: close, write nothing.
    case close

    init(context: ByteBuffer) {
        self = context.withUnsafeReadableBytes { bytes in
            switch bytes.count {
            case 5 where bytes.elementsEqual("WRITE".utf8): .write
            case 8 where bytes.elementsEqual("CONTINUE".utf8): .keepReading
            case 10 where bytes.elementsEqual("WRITECLOSE".utf8): .writeAndClose
            default: .close
            }
        }
    }

    var writes: Bool {
        switch self {
        case .write, .writeAndClose: true
        case .keepReading, .close: false
        }
    }

    var keepsReading: Bool {
        switch self {
        case .write, .keepReading: true
        case .writeAndClose, .close: false
        }
    }
}
