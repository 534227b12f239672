import YAML

/// Reads the configuration file and its includes, and merges them: the including file wins (docs/configuration.md).
struct FileTreeReader {
    /// The deepest nesting of includes.
    private static let deepestInclude = 16
    /// The most files in total: otherwise a few files that include each other twice would take for ever.
    private static let mostFiles = 100

    let schema: Schema
    let context: ReadingContext
    private(set) var variables: Variables
    /// The start of the configuration file's mapping.
    private(set) var rootMark = YAMLMark(line: 1, column: 1)
    /// The file of `envfile`, as an absolute path; `nil` if it is not set.
    private(set) var environmentFile: (path: String, place: SourcePlace)?

    private var open: [String] = []
    private var count = 0
    private var version: YAMLScalar?

    init(schema: Schema, context: ReadingContext, variables: Variables) {
        self.schema = schema
        self.context = context
        self.variables = variables
    }

    /// - Parameters:
    ///   - file: an absolute path.
    ///   - overrides: `-o` arguments: `include` may be among them.
    mutating func read(_ file: String, overrides: [String]) throws(ConfigurationError) -> SourceMapping {
        let (entries, mark) = try SourceReader.parse(try TextFile.read(file), file: file)
        rootMark = mark
        try loadEnvironmentFile(entries, file: file)
        open = [FilePath.resolved(file)]
        var tree = try convert(entries, file: file, isInclude: false)
        let expander = VariableExpander(variables: variables.all)
        for text in overrides {
            let argument = try OverrideArguments.parse(text)
            guard argument.key == "include" || argument.key == "version" else { continue }
            let value = expander.expand(argument.value)?.value ?? ByteText(argument.value)
            _ = tree.set([argument.key], to: SourceValue(content: .scalar(SourceScalar(value)), place: .override))
        }
        if case .scalar(let scalar)? = tree["version"]?.value.content { version = scalar.scalar }
        return try merged(tree, file: file)
    }

    /// Loads `envfile`, before anything is expanded. A relative path counts from the directory of the file.
    private mutating func loadEnvironmentFile(_ entries: [YAMLEntry], file: String) throws(ConfigurationError) {
        guard let entry = entries.first(where: { $0.key.lowercased() == "envfile" }) else { return }
        let place = SourcePlace.file(file, entry.value.mark, isInclude: false)
        guard case .scalar(let scalar) = entry.value.content else {
            throw place.error(.invalidValue, "the path of a file is expected", key: "envfile")
        }
        let text = VariableExpander(variables: variables.all).expand(scalar.text)?.text ?? scalar.text
        guard !text.isEmpty, scalar.resolved != .null else { return }
        let path = FilePath.absolute(text, in: FilePath.directory(of: file))
        do throws(ConfigurationError) {
            try variables.load(path)
        } catch {
            // The place to fix is the line that names the file, unless the error is on a line of that file.
            guard error.line == nil else { throw error }
            throw place.error(
                error.code, "\(error.file): \(error.message)", key: "envfile", fix: "correct the path, or remove it"
            )
        }
        environmentFile = (path, place)
    }

    private mutating func convert(
        _ entries: [YAMLEntry],
        file: String,
        isInclude: Bool
    ) throws(ConfigurationError) -> SourceMapping {
        let expander = VariableExpander(variables: variables.all)
        var reader = SourceReader(file: file, isInclude: isInclude, expander: expander, schema: schema)
        let tree = try reader.convert(root: entries)
        for warning in reader.warnings { context.diagnostics.warn(warning) }
        return tree
    }

    /// Lays a tree over everything that it includes. The later of two includes wins, as in RoadRunner.
    private mutating func merged(_ tree: SourceMapping, file: String) throws(ConfigurationError) -> SourceMapping {
        let root = SourcePlace.file(file, rootMark, isInclude: false)
        var reader = SectionReader(path: "", source: tree, place: root, context: context)
        guard let entry = tree["include"], let paths = try reader.list("include") else { return tree }
        var base = SourceMapping()
        for path in paths {
            base.overlay(try included(path, by: file, at: entry.value.place))
        }
        base.overlay(tree)
        return base
    }

    private mutating func included(
        _ path: String,
        by file: String,
        at place: SourcePlace
    ) throws(ConfigurationError) -> SourceMapping {
        let target = target(path, from: file)
        let resolved = FilePath.resolved(target)
        guard !open.contains(resolved) else {
            throw place.error(
                .includeCycle, "`\(path)` includes itself", key: "include", fix: "remove one of the includes")
        }
        guard open.count < Self.deepestInclude, count < Self.mostFiles else {
            throw place.error(
                .includeCycle,
                "more than \(Self.deepestInclude) files inside of each other, or \(Self.mostFiles) in all",
                key: "include"
            )
        }
        guard FilePath.exists(target) else {
            throw place.error(
                .unreadableFile,
                "the file `\(path)` does not exist",
                key: "include",
                fix: "paths count from the work directory \(context.workDirectory)"
            )
        }
        count += 1
        open.append(resolved)
        defer { open.removeLast() }
        let (entries, mark) = try SourceReader.parse(try TextFile.read(target), file: target)
        let tree = try convert(entries, file: target, isInclude: true)
        try checkVersion(of: tree, place: .file(target, mark, isInclude: true))
        if let entry = tree["envfile"] {
            context.diagnostics.warn(entry.keyPlace.warning("is not read in an included file", key: "envfile"))
        }
        return try merged(tree, file: target)
    }

    /// Resolves an include in the work directory, as RoadRunner does, or else next to the including file.
    private func target(_ path: String, from file: String) -> String {
        let first = FilePath.absolute(path, in: context.workDirectory)
        let second = FilePath.absolute(path, in: FilePath.directory(of: file))
        return !FilePath.exists(first) && FilePath.exists(second) ? second : first
    }

    /// RoadRunner's rule: an included file has the version of the root, which is validated later.
    private func checkVersion(of tree: SourceMapping, place: SourcePlace) throws(ConfigurationError) {
        guard case .scalar(let scalar)? = tree["version"]?.value.content, !scalar.text.isEmpty else {
            throw place.error(
                .invalidVersion,
                "rr configuration file should contain a version e.g: version: 3",
                key: "version",
                fix: "add the version of the including file"
            )
        }
        guard let version, scalar.scalar.text != version.text else { return }
        throw (tree["version"]?.value.place ?? place).error(
            .invalidVersion,
            "version in included file must be the same as in root",
            key: "version",
            fix: "use \"\(version.text)\""
        )
    }
}
