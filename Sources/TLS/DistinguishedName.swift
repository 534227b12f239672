/// The subject of a certificate as text, most specific part first: `CN=device-17,O=Acme` (RFC 4514).
enum DistinguishedName {
    /// - Parameter certificate: DER.
    /// - Returns: `nil` if the subject cannot be read.
    static func subject(ofCertificate certificate: [UInt8]) -> String? {
        var outer = ByteReader(certificate)
        guard let whole = outer.element(), var fields = self.reader(whole, 0x30), let signed = fields.element(),
            var parts = self.reader(signed, 0x30)
        else { return nil }
        // The version, which may be absent, and the serial number; then algorithm, issuer and validity.
        guard let first = parts.element(), first.tag != 0xA0 || parts.element() != nil, parts.element() != nil,
            parts.element() != nil, parts.element() != nil, let subject = parts.element(),
            var names = self.reader(subject, 0x30)
        else { return nil }
        var texts: [String] = []
        while let set = names.element(), var attributes = self.reader(set, 0x31) {
            var values: [String] = []
            while let attribute = attributes.element(), var pair = self.reader(attribute, 0x30) {
                guard let type = pair.element(), type.tag == 0x06, let value = pair.element() else { return nil }
                values.append("\(self.name(of: type.content))=\(self.escaped(self.text(value)))")
            }
            texts.append(values.joined(separator: "+"))
        }
        return texts.reversed().joined(separator: ",")
    }

    private static func reader(_ element: ByteReader.Element, _ tag: UInt8) -> ByteReader? {
        element.tag == tag ? ByteReader(element.content) : nil
    }

    private static let names: [[UInt8]: String] = [
        [0x55, 4, 3]: "CN", [0x55, 4, 4]: "SN", [0x55, 4, 5]: "serialNumber", [0x55, 4, 6]: "C", [0x55, 4, 7]: "L",
        [0x55, 4, 8]: "ST", [0x55, 4, 9]: "street", [0x55, 4, 10]: "O", [0x55, 4, 11]: "OU", [0x55, 4, 12]: "title",
        [0x55, 4, 42]: "GN", [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 1]: "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 1]: "UID",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 25]: "DC",
    ]

    private static func name(of type: ArraySlice<UInt8>) -> String {
        self.names[Array(type)] ?? self.dotted(type)
    }

    /// An object identifier in numbers.
    private static func dotted(_ type: ArraySlice<UInt8>) -> String {
        var numbers: [UInt64] = []
        var number: UInt64 = 0
        for byte in type {
            number = number << 7 | UInt64(byte & 0x7F)
            if byte & 0x80 == 0 {
                numbers.append(number)
                number = 0
            }
        }
        guard let first = numbers.first else { return "?" }
        let root = min(first / 40, 2)
        return ([root, first - root * 40] + numbers.dropFirst()).map { "\($0)" }.joined(separator: ".")
    }

    private static func text(_ value: ByteReader.Element) -> String {
        guard value.tag == 0x1E else { return String(decoding: value.content, as: UTF8.self) }
        // BMPString.
        var reader = ByteReader(value.content)
        var units: [UInt16] = []
        while let unit = reader.number(2) {
            units.append(UInt16(unit))
        }
        return String(decoding: units, as: UTF16.self)
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for (index, character) in text.unicodeScalars.enumerated() {
            let isLast = index == text.unicodeScalars.count - 1
            let isEdge = character == " " && (index == 0 || isLast) || character == "#" && index == 0
            if isEdge || "\",+;<>\\".unicodeScalars.contains(character) {
                result += "\\"
            }
            result.unicodeScalars.append(character)
        }
        return result
    }
}

extension ByteReader {
    /// An element of DER.
    struct Element {
        let tag: UInt8
        let content: ArraySlice<UInt8>
    }

    /// `nil` at the end, or if it is malformed.
    mutating func element() -> Element? {
        guard let tag = self.byte(), let first = self.byte() else { return nil }
        let length: Int?
        switch first {
        case 0...0x7F: length = Int(first)
        case 0x81...0x84: length = self.number(Int(first & 0x7F))
        default: length = nil
        }
        guard let length, let content = self.take(length) else { return nil }
        return Element(tag: tag, content: content)
    }
}
