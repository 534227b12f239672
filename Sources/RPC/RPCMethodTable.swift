import Glibc
import NIOCore
import Synchronization

/// The methods of all services, found by the bytes of a call's name: no string is made on the way of a call.
package struct RPCMethodTable: Sendable {
    package final class Entry: Sendable {
        /// `service.Method`.
        package let name: String
        /// The same, as replies carry it.
        package let nameBytes: ByteBuffer
        package let method: RPCMethod
        package let counts = RPCMethodCounts()

        init(_ name: String, _ method: RPCMethod) {
            self.name = name
            self.nameBytes = ByteBuffer(string: name)
            self.method = method
        }
    }

    /// The most characters of an unknown name that are repeated in an error.
    private static let longestName = 256

    /// By name.
    package let entries: [Entry]
    private let services: Set<String>
    /// Positions in `entries` by the names' hashes, at least three of four vacant (-1); a taken one's successor is tried.
    private let slots: [Int32]
    /// Calls of methods that are not here.
    package let unknown = RPCMethodCounts()

    /// - Parameter services: Their names are distinct.
    package init(_ services: [RPCService]) {
        self.services = Set(services.map(\.name))
        self.entries = services.flatMap { service in
            service.methods.map { Entry("\(service.name).\($0.key)", $0.value) }
        }.sorted { $0.name < $1.name }
        var size = 16
        while size < 4 * self.entries.count {
            size *= 2
        }
        var slots = [Int32](repeating: -1, count: size)
        for (index, entry) in self.entries.enumerated() {
            var slot = entry.nameBytes.withUnsafeReadableBytes { Self.hash($0) } & (size - 1)
            while slots[slot] >= 0 {
                slot = (slot + 1) & (size - 1)
            }
            slots[slot] = Int32(index)
        }
        self.slots = slots
    }

    /// The method that a frame calls.
    ///
    /// - Throws: In the words of Go's net/rpc: PHP code looks for some of them.
    package func find(_ call: RPCFrame) throws(RPCError) -> Entry {
        let found = call.payload.withUnsafeReadableBytes { payload -> Entry? in
            let name = UnsafeRawBufferPointer(rebasing: payload[..<call.nameLength])
            var slot = Self.hash(name) & (self.slots.count - 1)
            while self.slots[slot] >= 0 {
                let entry = self.entries[Int(self.slots[slot])]
                if entry.nameBytes.withUnsafeReadableBytes({ $0.isSame(as: name) }) {
                    return entry
                }
                slot = (slot + 1) & (self.slots.count - 1)
            }
            return nil
        }
        guard let found else {
            throw self.missing(String(buffer: call.name))
        }
        return found
    }

    private func missing(_ name: String) -> RPCError {
        let text = name.prefix(Self.longestName)
        guard let dot = name.lastIndex(of: ".") else {
            return RPCError("rpc: service/method request ill-formed: \(text)")
        }
        let isService = self.services.contains(String(name[..<dot]))
        return RPCError("rpc: can't find \(isService ? "method" : "service") \(text)")
    }

    /// FNV-1a.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hash: UInt32 = 0x811C_9DC5
        for byte in bytes {
            hash = (hash ^ UInt32(byte)) &* 0x0100_0193
        }
        return Int(hash)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func isSame(as other: UnsafeRawBufferPointer) -> Bool {
        guard self.count == other.count else { return false }
        guard let start = self.baseAddress, let otherStart = other.baseAddress else { return true }
        return memcmp(start, otherStart, self.count) == 0
    }
}

/// How often a method was called, and how long that took.
package final class RPCMethodCounts: Sendable {
    private let succeeded = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let nanoseconds = Atomic<UInt64>(0)

    package init() {}

    /// - Parameter time: From the call to its result; zero where it is not measured.
    package func count(isError: Bool, time: TimeAmount = .zero) {
        if isError {
            self.failed.wrappingAdd(1, ordering: .relaxed)
        } else {
            self.succeeded.wrappingAdd(1, ordering: .relaxed)
        }
        if time > .zero {
            self.nanoseconds.wrappingAdd(UInt64(time.nanoseconds), ordering: .relaxed)
        }
    }

    package var successes: UInt64 { self.succeeded.load(ordering: .relaxed) }
    package var failures: UInt64 { self.failed.load(ordering: .relaxed) }
    package var seconds: Double { Double(self.nanoseconds.load(ordering: .relaxed)) * 1e-9 }
}
