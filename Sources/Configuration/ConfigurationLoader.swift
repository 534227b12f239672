import Platform

/// Reads `.rr.yaml` and every source that may override it.
///
/// Precedence, lowest first: defaults, `include` files, the file, `RR_*` variables, `-o` overrides (docs/configuration.md).
package struct ConfigurationLoader<Settings: Sendable>: Sendable {
    let sections: Section<Settings>
    let schema: Schema
    let environment: EnvironmentVariables
    let machine: MachineResources

    /// - Parameters:
    ///   - sections: the keys of the root, except those of the file itself.
    ///   - schema: every section that a file may have, run or not.
    ///   - environment: the variables of the process, for `${VAR}` and `RR_*`; only the composition root reads the
    ///     real ones.
    ///   - machine: for computed defaults: `num_workers: 0` stands for its processors.
    package init(
        _ sections: Section<Settings>,
        schema: Schema,
        environment: EnvironmentVariables,
        machine: MachineResources
    ) {
        self.sections = sections
        self.schema = schema
        self.environment = environment
        self.machine = machine
    }

    /// Reads, merges, expands and validates.
    ///
    /// - Parameters:
    ///   - path: the configuration file. A relative path counts from `workDirectory` when that is given, as in
    ///     RoadRunner, else from the current directory of the process.
    ///   - workDirectory: `-w`; must be a directory. `nil` means the directory of the file.
    ///   - overrides: `-o`, each `key=value` with a dotted key; the last one wins.
    ///   - dotenv: `--dotenv`: a file of `KEY=VALUE` lines that must exist; variables that are set already stay. A
    ///     relative path counts from the work directory. `DOTENV_PATH` wins over it, as in RoadRunner.
    /// - Throws: ``ConfigurationError`` for the first fault found.
    package func load(
        path: String,
        workDirectory: String? = nil,
        overrides: [String] = [],
        dotenv: String? = nil
    ) throws(ConfigurationError) -> LoadedConfiguration<Settings> {
        let current = FilePath.current
        let requested = try workDirectory.map { directory throws(ConfigurationError) in
            try Self.directory(directory, in: current)
        }
        let file = FilePath.absolute(path, in: requested ?? current)
        let workDirectory = requested ?? FilePath.directory(of: file)

        let diagnostics = Diagnostics()
        var variables = Variables(environment: environment)
        for (path, origin) in [(environment["DOTENV_PATH"], "env DOTENV_PATH"), (dotenv, "--dotenv")] {
            guard let path, !path.isEmpty else { continue }
            try Self.load(FilePath.absolute(path, in: workDirectory), namedBy: origin, into: &variables)
            break
        }

        let context = ReadingContext(machine: machine, workDirectory: workDirectory, diagnostics: diagnostics)
        var files = FileTreeReader(schema: schema, context: context, variables: variables)
        var tree = try files.read(file, overrides: overrides)
        variables = files.variables
        try EnvironmentOverrides(schema: schema, environment: variables.all, diagnostics: diagnostics).apply(to: &tree)
        let expander = VariableExpander(variables: variables.all)
        try OverrideArguments(schema: schema, expander: expander, diagnostics: diagnostics).apply(overrides, to: &tree)
        schema.lend(&tree)
        SchemaCheck(schema: schema, diagnostics: diagnostics).check(tree)

        let place = SourcePlace.file(file, files.rootMark, isInclude: false)
        var root = SectionReader(path: "", source: tree, place: place, context: context)
        let version = try root.version()
        if let (path, place) = files.environmentFile { root.note("envfile", .text(path), from: place) }
        let settings = try sections.read(&root)
        return LoadedConfiguration(
            version: version,
            settings: settings,
            warnings: Self.sorted(diagnostics.warnings, file: file),
            file: file,
            workDirectory: workDirectory,
            effective: .mapping(root.effective),
            environmentAdditions: variables.additions,
            eventLoops: try EventLoopsVariable.value(in: variables.all, machine.processors)
        )
    }

    private static func load(
        _ dotenv: String, namedBy origin: String, into variables: inout Variables
    ) throws(ConfigurationError) {
        do throws(ConfigurationError) {
            try variables.load(dotenv)
        } catch {
            // As with `envfile`: an error with a line already points at the place to fix.
            guard error.line == nil else { throw error }
            throw ConfigurationError(
                code: error.code,
                message: "\(error.file): \(error.message)",
                file: origin,
                fix: "correct the path, or leave it out"
            )
        }
    }

    private static func directory(_ path: String, in current: String) throws(ConfigurationError) -> String {
        let absolute = FilePath.absolute(path, in: current)
        guard FilePath.isDirectory(absolute) else {
            throw ConfigurationError(
                code: .unreadableFile,
                message: "the work directory does not exist",
                file: absolute,
                fix: "name another one with -w"
            )
        }
        return absolute
    }

    /// The file first, by line; then the others, in the order they were found.
    private static func sorted(_ warnings: [ConfigurationWarning], file: String) -> [ConfigurationWarning] {
        warnings.enumerated().sorted { one, two in
            let (left, right) = (one.element, two.element)
            if (left.file == file) != (right.file == file) { return left.file == file }
            guard left.file == right.file, let leftLine = left.line, let rightLine = right.line else {
                return one.offset < two.offset
            }
            return (leftLine, left.column ?? 0, one.offset) < (rightLine, right.column ?? 0, two.offset)
        }.map(\.element)
    }
}
