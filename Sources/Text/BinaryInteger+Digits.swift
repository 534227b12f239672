extension BinaryInteger {
    /// The number in decimal with at least so many digits: `07`.
    ///
    /// - Parameter count: Of a number that is not negative.
    package func digits(_ count: Int) -> String {
        String(self).padded(to: count)
    }
}

extension UInt8 {
    /// The byte as two hexadecimal digits in lower case: `0a`.
    package var hexadecimal: String {
        String(self, radix: 16).padded(to: 2)
    }
}

extension Sequence<UInt8> {
    /// The bytes as two hexadecimal digits each, in lower case: `0aff`.
    package var hexadecimal: String {
        self.map(\.hexadecimal).joined()
    }

    /// The bytes in hexadecimal, for the log: `0a ff`.
    package var spacedHexadecimal: String {
        self.map(\.hexadecimal).joined(separator: " ")
    }
}

extension UInt64 {
    /// A number of 0 to less than 1, of any number that is evenly distributed.
    package var unitFraction: Double {
        // As many bits as a double has.
        Double(self >> 11) / Double(UInt64(1) << 53)
    }
}

extension String {
    /// With zeros before it, up to a length.
    fileprivate func padded(to count: Int) -> String {
        String(repeating: "0", count: max(0, count - self.utf8.count)) + self
    }
}
