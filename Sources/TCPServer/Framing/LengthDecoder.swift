/// A field of a packet that says how long the packet is.
package struct LengthField: Sendable, Hashable {
    package enum Form: Sendable, Hashable {
        /// An unsigned number of 1…8 bytes.
        case binary(size: UInt8, isLittleEndian: Bool)
        /// This many digits to the base of 10 or 16; at most as many as 64 bits may have.
        case digits(size: UInt8, base: UInt8)
        /// Digits up to this byte.
        case digitsUntil(UInt8, base: UInt8)
        /// Seven bits a byte, the lowest first, in at most four bytes, as in MQTT.
        case varint
    }

    let form: Form
    /// The position of the field.
    let offset: Int
    /// Bytes of the packet that the value does not count. A field of varying width is not counted by its value either, and
    /// not part of this, but for the byte that ends it.
    let add: Int

    /// - Parameters:
    ///   - offset: 0…2^30.
    ///   - add: 0…2^30; `nil` if the value counts what comes behind the field.
    package init(_ form: Form, offset: Int = 0, add: Int? = nil) {
        self.form = form
        self.offset = offset
        self.add =
            switch form {
            case .binary(let size, _), .digits(let size, _): add ?? offset + Int(size)
            case .digitsUntil: add ?? offset + 1
            case .varint: add ?? offset
            }
    }

    /// The most digits before the byte that ends them: as many as 64 bits may have, and some zeros.
    package static let mostDigits = 20
    private static let longestVarint = 4

    /// What is known of a field.
    struct Reading {
        enum Progress {
            case incomplete
            case malformed
            /// The value needs more than 64 bits.
            case overflow
            /// The field ends at this position.
            case whole(end: Int)
        }

        /// The bytes of the field that were examined.
        fileprivate(set) var examined = 0
        fileprivate(set) var value: UInt64 = 0
    }

    /// Continues to read the field.
    func read(_ bytes: UnsafeRawBufferPointer, _ reading: inout Reading) -> Reading.Progress {
        switch self.form {
        case .binary(let size, let isLittleEndian):
            let end = self.offset + Int(size)
            guard bytes.count >= end else {
                return .incomplete
            }
            var value: UInt64 = 0
            for index in 0..<Int(size) {
                let byte = bytes[isLittleEndian ? end - 1 - index : self.offset + index]
                value = value << 8 | UInt64(byte)
            }
            reading.value = value
            return .whole(end: end)
        case .digits(let size, let base):
            while reading.examined < Int(size) {
                if let failure = self.digit(bytes, &reading, base) {
                    return failure
                }
            }
            return .whole(end: self.offset + Int(size))
        case .digitsUntil(let end, let base):
            while true {
                let position = self.offset + reading.examined
                guard position < bytes.count else {
                    return .incomplete
                }
                if bytes[position] == end {
                    return reading.examined > 0 ? .whole(end: position + 1) : .malformed
                }
                guard reading.examined < Self.mostDigits else {
                    return .malformed
                }
                if let failure = self.digit(bytes, &reading, base) {
                    return failure
                }
            }
        case .varint:
            while true {
                let position = self.offset + reading.examined
                guard position < bytes.count else {
                    return .incomplete
                }
                let byte = bytes[position]
                reading.value |= UInt64(byte & 0x7F) << UInt64(7 * reading.examined)
                reading.examined += 1
                if byte < 0x80 {
                    return .whole(end: position + 1)
                }
                guard reading.examined < Self.longestVarint else {
                    return .malformed
                }
            }
        }
    }

    /// Reads one digit.
    ///
    /// - Returns: `nil` if there was one.
    private func digit(_ bytes: UnsafeRawBufferPointer, _ reading: inout Reading, _ base: UInt8) -> Reading.Progress? {
        let position = self.offset + reading.examined
        guard position < bytes.count else {
            return .incomplete
        }
        let digit: UInt8
        switch bytes[position] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[position] - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[position] - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[position] - UInt8(ascii: "A") + 10
        default: return .malformed
        }
        guard digit < base else {
            return .malformed
        }
        reading.examined += 1
        let (high, overflows) = reading.value.multipliedReportingOverflow(by: UInt64(base))
        let (value, carries) = high.addingReportingOverflow(UInt64(digit))
        guard !overflows, !carries else {
            reading.value = .max
            return .overflow
        }
        reading.value = value
        return nil
    }

    /// The bytes of the packet besides the value's.
    fileprivate func others(_ reading: Reading) -> Int {
        switch self.form {
        case .binary, .digits: self.add
        case .digitsUntil, .varint: self.add + reading.examined
        }
    }
}

/// A packet says in its header how long it is. All but the header's size is decided before anything is gathered.
struct LengthDecoder {
    private(set) var reading = LengthField.Reading()
    /// 0 while it is unknown.
    private(set) var length = 0

    /// - Parameter bytes: All bytes since the last packet, at least one.
    mutating func next(in bytes: UnsafeRawBufferPointer, _ field: LengthField, limit: Int) -> PacketBoundary {
        if self.length == 0 {
            switch field.read(bytes, &self.reading) {
            case .incomplete: return .incomplete
            case .malformed: return .malformed
            case .overflow: return .tooLarge
            case .whole(let end):
                let (length, overflows) = self.reading.value.addingReportingOverflow(UInt64(field.others(self.reading)))
                guard !overflows, length <= UInt64(limit) else {
                    return .tooLarge
                }
                guard length >= UInt64(end) else {
                    return .malformed
                }
                self.length = Int(length)
            }
        }
        return bytes.count >= self.length ? .packet(self.length) : .incomplete
    }
}
