import Glibc
import NIOCore

/// A key and its value in one allocation. It never changes, so a reply copies from it after the lock is released.
struct MemoryRecord: @unchecked Sendable {
    private struct Lengths {
        var key: UInt32
        var value: UInt32
    }

    private typealias Storage = ManagedBuffer<Lengths, UInt8>

    private let storage: Storage

    /// - Returns: `nil` if a part has 4 GiB or more, which no frame carries.
    init?(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        guard let keyLength = UInt32(exactly: key.count), let valueLength = UInt32(exactly: value.count) else {
            return nil
        }
        self.storage = Storage.create(minimumCapacity: key.count + value.count) { _ in
            Lengths(key: keyLength, value: valueLength)
        }
        self.storage.withUnsafeMutablePointerToElements { bytes in
            let bytes = UnsafeMutableRawPointer(bytes)
            Self.copy(key, to: bytes)
            Self.copy(value, to: bytes + key.count)
        }
    }

    init?(key: ByteBuffer, value: ByteBuffer) {
        let record = key.withUnsafeReadableBytes { key in
            value.withUnsafeReadableBytes { value in MemoryRecord(key: key, value: value) }
        }
        guard let record else { return nil }
        self = record
    }

    private static func copy(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
        if let base = source.baseAddress {
            target.copyMemory(from: base, byteCount: source.count)
        }
    }

    /// The lengths of key and value together.
    var count: Int {
        let lengths = self.storage.header
        return Int(lengths.key) + Int(lengths.value)
    }

    var valueCount: Int {
        Int(self.storage.header.value)
    }

    func hasKey(_ key: UnsafeRawBufferPointer) -> Bool {
        self.storage.withUnsafeMutablePointers { lengths, bytes in
            guard key.count == Int(lengths.pointee.key) else { return false }
            guard let base = key.baseAddress else { return true }
            return memcmp(bytes, base, key.count) == 0
        }
    }

    func withValue<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        self.storage.withUnsafeMutablePointers { lengths, bytes in
            body(UnsafeRawBufferPointer(start: bytes + Int(lengths.pointee.key), count: Int(lengths.pointee.value)))
        }
    }
}
