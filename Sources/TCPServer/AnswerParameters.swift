import NIOCore

/// An answer's action with parameters, such as `CONTINUE;until=%0D%0A.%0D%0A` (docs/protocol.md).
struct AnswerParameters: Hashable {
    let action: AnswerAction
    /// The next packet ends so; at least one byte.
    private(set) var until: [UInt8]?
    /// The next packet has at least this many bytes; at least 1.
    private(set) var need: Int?
    /// This many bytes at the end of the packet that was answered come first in the next one.
    private(set) var keep: Int?
    /// What is wrong with the others, which have no effect.
    private(set) var fault: String?

    /// - Returns: `nil` if the context is no action that takes parameters, with a `;` behind it.
    init?(context: ByteBuffer) {
        let bytes = context.readableBytesView
        guard let end = bytes.firstIndex(of: UInt8(ascii: ";")) else {
            return nil
        }
        switch AnswerAction(context: ByteBuffer(bytes[..<end])) {
        case .write: self.action = .write
        case .keepReading: self.action = .keepReading
        case .writeAndClose, .close, .startTLS: return nil
        }
        for parameter in bytes[(end + 1)...].split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false) {
            self.add(parameter)
        }
        if self.until != nil, self.need != nil {
            self.until = nil
            self.need = nil
            self.note("until and need exclude each other")
        }
    }

    private mutating func add(_ parameter: ByteBufferView.SubSequence) {
        let name = parameter.prefix { $0 != UInt8(ascii: "=") }
        let text = parameter[name.endIndex...].dropFirst()
        switch String(decoding: name.prefix(Self.longestName), as: UTF8.self) {
        case "until" where self.until == nil:
            guard let bytes = Self.decoded(text), !bytes.isEmpty else {
                return self.note("until is no percent-encoded text of one byte or more")
            }
            self.until = bytes
        case "need" where self.need == nil:
            guard let number = Self.number(text), number > 0 else {
                return self.note("need is no number above 0")
            }
            self.need = number
        case "keep" where self.keep == nil:
            guard let number = Self.number(text) else {
                return self.note("keep is no number")
            }
            self.keep = number
        case "until", "need", "keep":
            self.note("a parameter is there twice")
        case let other:
            self.note("`\(other)` is no parameter: until, need and keep are")
        }
    }

    private static let longestName = 32

    /// Keeps the first fault: a worker may send any number.
    private mutating func note(_ fault: String) {
        self.fault = self.fault ?? fault
    }

    private static func number(_ text: ByteBufferView.SubSequence) -> Int? {
        guard text.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return nil
        }
        return Int(String(decoding: text.prefix(20), as: UTF8.self))
    }

    private static func decoded(_ text: ByteBufferView.SubSequence) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = [rest.popFirst(), rest.popFirst()].compactMap { digit in
                digit.flatMap { Character(Unicode.Scalar($0)).hexDigitValue }
            }
            guard digits.count == 2 else {
                return nil
            }
            bytes.append(UInt8(digits[0] << 4 | digits[1]))
        }
        return bytes
    }
}
