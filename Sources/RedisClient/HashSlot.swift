import NIOCore

/// The slot of a key: a cluster shares out its 16384 slots among its masters.
package struct HashSlot: Sendable, Hashable {
    package static let count = 16384

    package let number: Int

    /// - Parameter number: 0…16383.
    package init?(_ number: Int) {
        guard (0..<Self.count).contains(number) else { return nil }
        self.number = number
    }

    /// The slot of a key: CRC16 of its bytes, or of those between the first `{` and the next `}` if there are any, so that
    /// an application can put keys together.
    package init(of key: ByteBuffer) {
        let bytes = key.readableBytesView
        var hashed = bytes[...]
        if let open = bytes.firstIndex(of: UInt8(ascii: "{")) {
            let tail = bytes[bytes.index(after: open)...]
            if let close = tail.firstIndex(of: UInt8(ascii: "}")), close > tail.startIndex {
                hashed = tail[..<close]
            }
        }
        self.number = Int(Self.crc16(hashed)) % Self.count
    }

    /// CRC-16/XMODEM.
    static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        bytes.reduce(0) { ($0 << 8) ^ Self.table[Int(UInt8($0 >> 8) ^ $1)] }
    }

    private static let table: [UInt16] = (0..<256).map { index in
        (0..<8).reduce(UInt16(index) << 8) { crc, _ in crc & 0x8000 == 0 ? crc << 1 : (crc << 1) ^ 0x1021 }
    }
}
