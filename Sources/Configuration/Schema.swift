/// Every key that a configuration may have, and whether it has an effect.
package struct Schema: Sendable {
    /// Variables for workers and for the program itself; they never set a key.
    let reservedVariables: Set<String>
    let root: [SchemaKey]
    let lending: [SectionLending]
    /// The sections that are run.
    private let run: Set<String>

    /// - Parameters:
    ///   - sections: The keys of the root, except those of the file itself.
    ///   - notRun: RoadRunner's sections that are not run, unless they are among `sections`.
    ///   - reservedVariables: Variables that begin with `RR_` and set no key.
    ///   - lending: Sections that may stand elsewhere.
    package init(
        _ sections: [SchemaKey], notRun: [String], reservedVariables: Set<String>, lending: [SectionLending] = []
    ) {
        let run = Set(sections.map(\.name) + Self.file.map(\.schema.name))
        self.run = run
        self.lending = lending
        root =
            Self.file.map(\.schema) + sections
            + notRun.filter { !run.contains($0) }.map { SchemaKey($0, .anything, .notRun) }
        self.reservedVariables = reservedVariables.union([EventLoopsVariable.name, ConfigurationLocation.variable])
    }

    /// Moves the sections that stand elsewhere.
    func lend(_ tree: inout SourceMapping) {
        for lending in self.lending {
            lending.apply(to: &tree, except: self.run)
        }
    }

    /// The keys of the file itself: they are read before all others.
    static let file: [FileKey] = [
        // `RR_VERSION` is for workers, and variables are read after the files are known.
        FileKey(
            "version", type: "string", default: "required",
            notes: "The configuration's version, quoted: any value will do."
        ),
        FileKey("include", type: "list of files", default: "–", notes: "See [precedence](#precedence)."),
        FileKey(
            "envfile", type: "file", default: "–",
            notes: "`KEY=VALUE` lines; variables that are set already stay as they are. A byte order mark is skipped."
        ),
    ]

    /// Their rows in the reference.
    package static var fileRows: [KeyRow] { file.map(\.row) }

    struct FileKey: Sendable {
        let schema: SchemaKey
        let row: KeyRow

        init(_ name: String, type: String, default fallback: String, notes: String) {
            schema = SchemaKey(name, isSettableByVariable: false)
            row = KeyRow(path: name, type: type, range: "", default: fallback, notes: notes, marks: [])
        }
    }
}
