import Configuration

/// `tcp.servers.<name>.dispatch`: which worker gets an event.
enum DispatchKind: String, Sendable, Equatable, CaseIterable {
    case free, connection, ip
}

extension ListenerSettings {
    /// Warns of a wait that nothing waits.
    func checkDispatch(_ reader: SectionReader) {
        guard self.dispatch == .free, self.stickyWait > .zero, let place = reader.source["sticky_wait"] else { return }
        let message = "`dispatch: free` waits for no worker: the key does nothing"
        reader.diagnostics.warn(place.value.place.warning(message, key: reader.path("sticky_wait")))
    }
}

extension ValueKind<SocketMode> {
    /// Octal digits as for chmod(1), taken from the text as written: a YAML number with the same digits could be
    /// another mode. The leading zero shows that they are meant as octal.
    static var socketMode: ValueKind {
        ValueKind(
            type: "octal text",
            range: "four digits",
            effective: { _ in nil },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let (scalar, place) = try reader.nonEmptyScalar(key) else { return nil }
                let text = SectionReader.trimmed(scalar.written)
                let digits = text.hasPrefix("0o") ? "0" + text.dropFirst(2) : text
                guard digits.hasPrefix("0"), digits.utf8.count == 4, let mode = UInt32(digits, radix: 8) else {
                    throw place.error(
                        .invalidValue,
                        "`\(text)` is no mode of a file",
                        key: reader.path(key),
                        fix: #"use four octal digits, as in "0660""#
                    )
                }
                reader.note(key, .text(text), from: place)
                return mode
            }
        )
    }
}

extension ValueKind<[UInt8]> {
    /// Any bytes: text is taken as UTF-8, `!!binary` is decoded from base64. Empty means the default, as in RoadRunner.
    static var delimiter: ValueKind {
        ValueKind(
            type: "string",
            effective: { .scalar(EffectiveScalar(ByteText(bytes: $0))) },
            read: { reader, name, _ throws(ConfigurationError) in
                let key = reader.path(name)
                guard let (scalar, place) = try reader.scalarOfBytes(name) else { return nil }
                let delimiter = ByteText(bytes: try reader.bytes(of: scalar, key: key, at: place))
                guard !delimiter.isEmpty || scalar.isBinary else {
                    // An unset variable does not ask for an empty delimiter either.
                    if scalar.unset.isEmpty {
                        let message = #"the delimiter is empty: the default "\r\n" is used"#
                        reader.diagnostics.warn(place.warning(message, key: key))
                    } else {
                        reader.warnUnset(scalar, key: name, at: place)
                    }
                    return nil
                }
                guard !delimiter.isEmpty else { throw place.error(.invalidValue, "no base64 is there", key: key) }
                reader.warnOfEscapes(in: delimiter.bytes, of: scalar, key: name, at: place)
                reader.note(name, EffectiveScalar(delimiter), from: place)
                return delimiter.bytes
            }
        )
    }
}
