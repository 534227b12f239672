import Text
import YAML

extension SectionReader {
    /// The bytes of a value that need not be text: a variable's value, or `!!binary` decoded from base64.
    package func bytes(
        of scalar: SourceScalar, key: String, at place: SourcePlace
    ) throws(ConfigurationError) -> [UInt8] {
        guard scalar.scalar.kind == .binary else { return scalar.bytes ?? Array(scalar.text.utf8) }
        guard let bytes = Base64.decode(scalar.scalar.text) else {
            throw place.error(.invalidValue, "is not base64", key: key)
        }
        return bytes
    }

    /// Rejects bytes that are not text: U+FFFD in a path or a command is never intended.
    func requireText(_ scalar: SourceScalar, key: String, at place: SourcePlace) throws(ConfigurationError) {
        guard scalar.bytes != nil else { return }
        throw place.error(
            .invalidValue,
            "holds bytes that are not UTF-8",
            key: key,
            fix: "correct the variable that it comes from; only delimiters, `start`, `starts` and `env` take any bytes"
        )
    }
}

extension EffectiveScalar {
    package init(_ value: ByteText) {
        self = value.text.map { .text($0) } ?? .binary(value.bytes)
    }
}
