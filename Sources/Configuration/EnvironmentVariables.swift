/// The variables of a process, byte for byte: the system gives them no encoding, and workers get them as they are.
package struct EnvironmentVariables: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    private var values: [ByteText: ByteText] = [:]

    package init() {}

    package init(_ values: [String: String]) {
        for (name, value) in values { self.values[ByteText(name)] = ByteText(value) }
    }

    package init(dictionaryLiteral elements: (String, ByteText)...) {
        for (name, value) in elements { values[ByteText(name)] = value }
    }

    /// - Parameter entries: `NAME=VALUE` each, without NUL, as in `environ`. The first value of a repeated name wins,
    ///   as for `getenv`; entries without a name are left out.
    package init(entries: some Sequence<[UInt8]>) {
        for entry in entries {
            guard let separator = entry.firstIndex(of: UInt8(ascii: "=")), separator > 0 else { continue }
            let name = ByteText(bytes: Array(entry[..<separator]))
            guard values[name] == nil else { continue }
            values[name] = ByteText(bytes: Array(entry[(separator + 1)...]))
        }
    }

    /// `NAME=VALUE` each, without NUL, in a fixed order.
    package var entries: [[UInt8]] {
        values.map { $0.bytes + [UInt8(ascii: "=")] + $1.bytes }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The names that are UTF-8, in no order.
    var names: [String] { values.keys.compactMap(\.text) }

    /// The bytes of a variable; `nil` when it is not set.
    package func value(_ name: String) -> ByteText? {
        values[ByteText(name)]
    }

    /// The text of a variable, see ``ByteText/description``; `nil` when it is not set.
    package subscript(name: String) -> String? {
        get { value(name)?.description }
        set { values[ByteText(name)] = newValue.map { ByteText($0) } }
    }

    /// Sets variables, replacing existing values.
    package mutating func set(_ entries: [EnvironmentEntry]) {
        for entry in entries { values[ByteText(entry.name)] = entry.value }
    }

    /// These variables and some more, see ``set(_:)``.
    package func setting(_ entries: [EnvironmentEntry]) -> EnvironmentVariables {
        var variables = self
        variables.set(entries)
        return variables
    }
}
