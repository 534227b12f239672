extension ValueKind<[UInt8]> {
    /// Any bytes: text is taken as UTF-8, `!!binary` is decoded from base64.
    ///
    /// - Parameters:
    ///   - counts: The allowed numbers of bytes.
    ///   - type: For the reference.
    package static func bytes(_ counts: ClosedRange<Int>, type: String = "string") -> ValueKind {
        ValueKind(
            type: type,
            range: counts.lowerBound == counts.upperBound
                ? "\(counts.upperBound) byte" : "\(counts.lowerBound)…\(counts.upperBound) bytes",
            effective: { .scalar(EffectiveScalar(ByteText(bytes: $0))) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let (scalar, place) = try reader.scalarOfBytes(key) else { return nil }
                guard !scalar.text.isEmpty || scalar.unset.isEmpty else {
                    reader.warnUnset(scalar, key: key, at: place)
                    return nil
                }
                let bytes = try reader.bytes(of: scalar, key: key, counts, at: place)
                reader.note(key, EffectiveScalar(ByteText(bytes: bytes)), from: place)
                return bytes
            }
        )
    }
}

extension ValueKind<[[UInt8]]> {
    /// A list of any bytes; a text is split on commas.
    ///
    /// - Parameter counts: The allowed numbers of bytes of an item.
    package static func listOfBytes(most: Int, _ counts: ClosedRange<Int>) -> ValueKind {
        ValueKind(
            type: "string or list",
            range: "1…\(most) of \(counts.lowerBound)…\(counts.upperBound) bytes",
            effective: { .sequence($0.map { EffectiveScalar(ByteText(bytes: $0)) }, origin: .defaultValue) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let value = reader.value(key) else { return nil }
                var items: [[UInt8]] = []
                switch value.content {
                case .scalar(let scalar):
                    guard !scalar.text.isEmpty || scalar.unset.isEmpty else {
                        reader.warnUnset(scalar, key: key, at: value.place)
                        return nil
                    }
                    let whole = try reader.bytes(of: scalar, key: key, 1...Int.max, at: value.place)
                    for item in whole.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                        try reader.check(count: item.count, counts, key: key, at: value.place)
                        items.append(Array(item))
                    }
                case .sequence(let values):
                    for value in values {
                        guard case .scalar(let scalar) = value.content else {
                            throw value.place.error(
                                .invalidValue, "a text is expected in this list", key: reader.path(key))
                        }
                        items.append(try reader.bytes(of: scalar, key: key, counts, at: value.place))
                    }
                case .mapping:
                    throw value.place.error(.invalidValue, "a list is expected here", key: reader.path(key))
                }
                guard (1...most).contains(items.count) else {
                    throw value.place.error(
                        .outOfRange, "\(items.count) items are not allowed", key: reader.path(key),
                        fix: "use 1...\(most)")
                }
                reader.note(key, items.map { EffectiveScalar(ByteText(bytes: $0)) }, from: value.place)
                return items
            }
        )
    }
}

extension SectionReader {
    /// The bytes of a value, of which there must be one of these numbers.
    fileprivate func bytes(
        of scalar: SourceScalar, key: String, _ counts: ClosedRange<Int>, at place: SourcePlace
    ) throws(ConfigurationError) -> [UInt8] {
        let bytes = try bytes(of: scalar, key: path(key), at: place)
        try check(count: bytes.count, counts, key: key, at: place)
        warnOfEscapes(in: bytes, of: scalar, key: key, at: place)
        return bytes
    }

    fileprivate func check(
        count: Int, _ counts: ClosedRange<Int>, key: String, at place: SourcePlace
    ) throws(ConfigurationError) {
        guard !counts.contains(count) else { return }
        let fix = counts.count == 1 ? "use \(counts.lowerBound)" : "use \(counts.lowerBound)...\(counts.upperBound)"
        throw place.error(
            .outOfRange, count == 0 ? "is empty" : "\(count) bytes are not allowed", key: path(key), fix: fix)
    }

    /// Warns of a backslash and a letter where a control character was most likely meant.
    package func warnOfEscapes(in bytes: [UInt8], of scalar: SourceScalar, key: String, at place: SourcePlace) {
        let holdsEscape = zip(bytes, bytes.dropFirst()).contains {
            $0 == UInt8(ascii: "\\") && "rnt0x".utf8.contains($1)
        }
        guard holdsEscape, !scalar.isBinary, let text = ByteText(bytes: bytes).text else { return }
        let message =
            "`\(text)` is taken as it is written, backslashes included; for the bytes that it stands for "
            + "write \"\(text)\" in double quotes (YAML), or $'\(text)' (shell)"
        diagnostics.warn(place.warning(message, key: path(key)))
    }
}
