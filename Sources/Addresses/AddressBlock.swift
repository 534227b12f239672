import Glibc

/// An IP address without a port. IPv4 is kept in its mapped form (RFC 4291, 2.5.5.2), so that an IPv4 client is the same
/// on a socket of either kind.
package struct IPAddress: Sendable, Hashable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter bytes: Of IPv4, 4, or of IPv6, 16; in network order.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self.init(high: 0, low: bytes.reduce(0xFFFF) { $0 << 8 | UInt64($1) })
        case 16:
            self.init(
                high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) })
        default:
            return nil
        }
    }

    /// Reads `192.0.2.1` or `2001:db8::1`, without brackets and zone.
    package init?(_ text: some StringProtocol) {
        // The system's functions would end at a NUL.
        guard !text.utf8.contains(0) else { return nil }
        let text = String(text)
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self.init(bytes: withUnsafeBytes(of: v4) { Array($0) })
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            self.init(bytes: withUnsafeBytes(of: v6) { Array($0) })
        } else {
            return nil
        }
    }

    package var isIPv4: Bool {
        self.high == 0 && self.low >> 32 == 0xFFFF
    }

    /// In network order: 4 of IPv4, 16 of IPv6.
    package var bytes: [UInt8] {
        let all = [self.high, self.low].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
        return Array(all.suffix(self.isIPv4 ? 4 : 16))
    }

    /// The address with all bits behind the first `bits` ones cleared.
    ///
    /// - Parameter bits: 0…128, of the mapped form if it is IPv4.
    package func prefix(_ bits: Int) -> IPAddress {
        IPAddress(
            high: self.high & (bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits))),
            low: bits <= 64 ? 0 : self.low & ~(UInt64.max >> UInt64(bits - 64)))
    }
}

extension IPAddress: CustomStringConvertible {
    package var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            let family = self.isIPv4 ? AF_INET : AF_INET6
            let text = inet_ntop(family, self.bytes, buffer.baseAddress, socklen_t(buffer.count))
            return text.map { String(cString: $0) } ?? ""
        }
    }
}

/// A block of IP addresses in CIDR notation (RFC 4632): `10.0.0.0/8`, `2001:db8::/32`, or a single address.
///
/// A block of IPv6 contains no IPv4 address: `::/0` is all of IPv6 alone.
package struct AddressBlock: Sendable, Hashable {
    /// The reason why a text is not a block.
    package struct Fault: Error, Equatable {
        package var message: String
        package var fix: String
    }

    package let first: IPAddress
    /// Of the mapped form if the block is of IPv4: 96…128 then, else 0…128.
    private let bits: Int

    /// - Throws: Also if bits behind the prefix are set: most often the prefix is mistaken, or the address.
    package init(_ text: String) throws(Fault) {
        let address = text.prefix { $0 != "/" }
        guard let first = IPAddress(address) else {
            throw Fault(
                message: "`\(text)` is no block of addresses",
                fix: "use an IP address, or a block such as 10.0.0.0/8 or 2001:db8::/32")
        }
        let isMapped = first.isIPv4 && !address.utf8.contains(UInt8(ascii: ":"))
        let most = isMapped ? 32 : 128
        let length = text.dropFirst(address.count).dropFirst()
        guard address.count < text.count else {
            self.first = first
            self.bits = 128
            return
        }
        guard length.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let prefix = Int(length),
            prefix <= most
        else {
            throw Fault(message: "`\(text)` has no prefix of 0...\(most) bits", fix: "use 0...\(most) behind the slash")
        }
        let bits = isMapped ? 96 + prefix : prefix
        guard first.prefix(bits) == first else {
            throw Fault(
                message: "`\(text)` has bits set behind its prefix",
                fix: "use \(first.prefix(bits))/\(prefix) for the block, or \(first) for the address")
        }
        self.first = first
        self.bits = bits
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.prefix(self.bits) == self.first && (self.isIPv4 == address.isIPv4)
    }

    private var isIPv4: Bool {
        self.bits >= 96 && self.first.isIPv4
    }
}

extension AddressBlock: CustomStringConvertible {
    /// The canonical spelling; a single address has no prefix.
    package var description: String {
        self.bits == 128 ? "\(self.first)" : "\(self.first)/\(self.isIPv4 ? self.bits - 96 : self.bits)"
    }
}
