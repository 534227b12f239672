/// Replaces `$VAR`, `${VAR}` and `${VAR:-default}` in a text (docs/configuration.md).
///
/// - A variable that is unset becomes nothing; with `:-`, one that is unset or empty becomes the default, which may
///   hold references itself.
/// - `$$` is a literal `$`. A `$` that no name follows stays as it is, so that `sh -c 'echo $1'` and `a$` survive
///   (RoadRunner swallows those).
/// - `${…}` that is not a reference, such as `${VAR:default}`, becomes nothing, as in RoadRunner, and is reported.
///   `${` without its `}` stays as it is and is reported.
/// - The value of a variable is not expanded again.
struct VariableExpander: Sendable {
    /// The most bytes between `${` and `}`; keeps the search for `}` from being quadratic.
    private static let longestReference = 1024
    /// The deepest nesting of defaults.
    private static let deepestDefault = 8
    /// The most faults per text; after that many malformed references, the rest of the text stays unchanged.
    private static let mostFaults = 16
    /// The most bytes that a text may grow to: many references to large variables must not exhaust the memory.
    static let longestResult = 1 << 20

    /// The result of expanding a text.
    struct Result: Sendable, Equatable {
        var value: ByteText
        /// Whether the text names any variable, set or not.
        var namesVariables = false
        /// Variables that were unset or empty and had no default.
        var unset: [String] = []
        /// References that cannot be read.
        var malformed: [String] = []
        /// Whether the text was longer than ``VariableExpander/longestResult`` and was cut off.
        var isTooLong = false

        var text: String { value.description }
    }

    var variables: EnvironmentVariables

    /// - Returns: `nil` when there is nothing to replace.
    func expand(_ text: String) -> Result? {
        text.utf8.contains(UInt8(ascii: "$")) ? expand(Array(text.utf8)) : nil
    }

    func expand(_ bytes: [UInt8]) -> Result {
        var result = Result(value: "")
        result.value = ByteText(bytes: expand(bytes[...], into: &result, depth: 0))
        return result
    }

    private func expand(_ text: ArraySlice<UInt8>, into result: inout Result, depth: Int) -> [UInt8] {
        var output: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            guard output.count <= Self.longestResult else {
                result.isTooLong = true
                return output
            }
            guard text[index] == UInt8(ascii: "$"), index + 1 < text.endIndex,
                result.malformed.count < Self.mostFaults
            else {
                output.append(text[index])
                index += 1
                continue
            }
            let next = text[index + 1]
            if next == UInt8(ascii: "$") {
                output.append(next)
                index += 2
            } else if next == UInt8(ascii: "{") {
                index = braced(text, at: index, output: &output, result: &result, depth: depth)
            } else {
                let name = Self.name(text[(index + 1)...])
                if name.isEmpty {
                    output.append(text[index])
                } else {
                    output += value(of: name, result: &result)
                }
                index += 1 + name.count
            }
        }
        return output
    }

    /// Handles `${…}` at `start`; returns the index after it.
    private func braced(
        _ text: ArraySlice<UInt8>,
        at start: Int,
        output: inout [UInt8],
        result: inout Result,
        depth: Int
    ) -> Int {
        let inside = start + 2
        guard let end = Self.closingBrace(text[inside...]) else {
            result.malformed.append("${")
            output += text[start..<inside]
            return inside
        }
        let name = Self.name(text[inside..<end])
        let rest = text[(inside + name.count)..<end]
        if !name.isEmpty, rest.isEmpty {
            output += value(of: name, result: &result)
        } else if !name.isEmpty, rest.starts(with: ":-".utf8), depth < Self.deepestDefault {
            result.namesVariables = true
            let value = variables.value(String(decoding: name, as: UTF8.self))?.bytes ?? []
            output += value.isEmpty ? expand(rest.dropFirst(2), into: &result, depth: depth + 1) : value
        } else {
            result.malformed.append(String(decoding: text[start...end], as: UTF8.self))
        }
        return end + 1
    }

    private func value(of name: ArraySlice<UInt8>, result: inout Result) -> [UInt8] {
        let name = String(decoding: name, as: UTF8.self)
        result.namesVariables = true
        guard let value = variables.value(name), !value.isEmpty else {
            if result.unset.count < Self.mostFaults, !result.unset.contains(name) { result.unset.append(name) }
            return []
        }
        return value.bytes
    }

    /// The `}` that ends the reference whose content starts here, skipping nested references.
    private static func closingBrace(_ text: ArraySlice<UInt8>) -> Int? {
        var open = 0
        var index = text.startIndex
        let limit = min(text.endIndex, text.startIndex + longestReference)
        while index < limit {
            if text[index] == UInt8(ascii: "}") {
                if open == 0 { return index }
                open -= 1
            } else if text[index] == UInt8(ascii: "$"), index + 1 < limit, text[index + 1] == UInt8(ascii: "{") {
                open += 1
                index += 1
            }
            index += 1
        }
        return nil
    }

    /// `[A-Za-z_][A-Za-z0-9_]*` at the start of a text; empty when there is no name.
    private static func name(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let first = text.first, isLetter(first) else { return [] }
        return text.prefix { isLetter($0) || (0x30...0x39).contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
