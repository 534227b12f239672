import Foundation
import TestSupport

/// A client's name, `~`, twelve hexadecimal digits, `~`: all that its packets are made of, so that bytes tell whose they
/// are.
struct FuzzName: Hashable, CustomStringConvertible {
    static let length = 14

    private let bits: UInt64

    /// So many that no two are the same, and that a byte which is changed in one does not make another.
    init(_ random: inout SeededGenerator) {
        self.bits = random.next() >> 16
    }

    var description: String {
        let digits = String(self.bits, radix: 16)
        return "~" + String(repeating: "0", count: 12 - digits.count) + digits + "~"
    }

    /// The name, a number, and the name again and again.
    ///
    /// - Parameter size: How many bytes it may have, roughly.
    func packet(_ number: Int, size: Int) -> Data {
        let names = String(repeating: self.description, count: max(1, size / Self.length))
        return Data("\(self) \(number) \(names)".utf8.dropLast(size % Self.length)) + Data("\r\n".utf8)
    }

    /// The names in there, at whatever place they begin.
    static func all(in data: Data) -> Set<FuzzName> {
        data.withUnsafeBytes { bytes in
            var names: Set<FuzzName> = []
            var at = 0
            while at + Self.length <= bytes.count {
                if let name = FuzzName(bytes[at..<(at + Self.length)]) {
                    names.insert(name)
                    at += Self.length
                } else {
                    at += 1
                }
            }
            return names
        }
    }

    private init?(_ bytes: Slice<UnsafeRawBufferPointer>) {
        guard bytes.first == UInt8(ascii: "~"), bytes.last == UInt8(ascii: "~"),
            let bits = UInt64(String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self), radix: 16)
        else {
            return nil
        }
        self.bits = bits
    }
}
