import TestSupport
import Testing

@testable import Goridge

@Suite struct CRC32Tests {
    /// Computed with Python's `zlib.crc32`.
    @Test(
        arguments: [
            (0x13, 0x00, 0x0000_0000, 0x3480_D196),
            (0x1D, 0xFF, 0xFFFF_FFFF, 0x1A55_5789),
            (0x14, 0x40, 0x0102_0304, 0xB963_C27D),
            (0x31, 0x32, 0x3635_3433, 0x0972_D361),
        ] as [(UInt8, UInt8, UInt32, UInt32)])
    func knownAnswers(version: UInt8, flags: UInt8, payloadLength: UInt32, checksum: UInt32) {
        #expect(CRC32.checksum(version: version, flags: flags, payloadLength: payloadLength) == checksum)
    }

    /// Bit by bit, without a table.
    @Test func equalsTheDefinitionForRandomHeaders() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let bytes = random.bytes(6)
            var crc = UInt32.max
            for byte in bytes {
                crc ^= UInt32(byte)
                for _ in 0..<8 {
                    crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1
                }
            }
            let length = bytes[2...].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            #expect(CRC32.checksum(version: bytes[0], flags: bytes[1], payloadLength: length) == ~crc)
        }
    }
}
