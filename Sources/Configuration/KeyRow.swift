/// The row of a key in docs/configuration.md.
package struct KeyRow: Sendable, Equatable {
    package enum Effect: Sendable {
        case inEffect, never
    }

    /// Stands in for the default of a required key.
    static let required = "required"

    /// The dotted path; `<name>` stands for the user's names.
    package var path: String
    package var type: String
    package var range: String
    package var `default`: String
    package var notes: String
    package var marks: KeyMarks = []
    package var effect = Effect.inEffect

    init(
        path: String, type: String, range: String, default: String, notes: String, marks: KeyMarks = [],
        effect: Effect = .inEffect
    ) {
        self.path = path
        self.type = type
        self.range = range
        self.default = `default`
        self.notes = notes
        self.marks = marks
        self.effect = effect
    }

    init<Value>(_ kind: ValueKind<Value>, _ marks: KeyMarks, default: String, notes: String) {
        self.init(path: "", type: kind.type, range: kind.range, default: `default`, notes: notes, marks: marks)
    }

    /// The row of the table: key, type, default, range, notes.
    package var markdown: String {
        guard effect == .inEffect else { return "| `\(path)` | \(notes) |" }
        let marks = (marks.contains(.ours) ? " **+**" : "") + (marks.contains(.atStart) ? " **!**" : "")
        return "| `\(path)`\(marks) | \(type) | \(`default`) | \(range) | \(notes) |"
    }
}

extension EffectiveNode {
    /// The form of a default in the reference.
    var shown: String {
        switch self {
        case .mapping: "none"
        case .sequence(let values, _): values.map(\.shown).joined(separator: ", ")
        case .scalar(let value, _): value.shown
        }
    }
}

extension EffectiveScalar {
    fileprivate var shown: String {
        guard case .text(let text) = self else { return "`\(self.text)`" }
        var quoted = JSONWriter()
        quoted.string(text)
        return text.utf8.allSatisfy { $0 > 0x20 } ? "`\(text)`" : "`\(quoted.text)`"
    }
}
