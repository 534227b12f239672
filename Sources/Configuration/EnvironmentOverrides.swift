/// `RR_*` variables that set keys (docs/configuration.md): `RR_TCP_POOL_NUM_WORKERS` is `tcp.pool.num_workers`.
///
/// Only names that match a key of the schema have an effect; others, such as those that Kubernetes sets for a service
/// named `rr-tcp`, do not. A variable without a value counts as unset.
struct EnvironmentOverrides {
    let schema: Schema
    let environment: EnvironmentVariables
    let diagnostics: Diagnostics

    /// - Throws: ``ConfigurationError/Code/ambiguousVariable`` when a variable may mean more than one key.
    func apply(to tree: inout SourceMapping) throws(ConfigurationError) {
        let names = environment.names.filter { $0.hasPrefix("RR_") && !schema.reservedVariables.contains($0) }
        guard !names.isEmpty else { return }
        var candidates: [String: [[String]]] = [:]
        for path in schema.settablePaths(in: tree) { candidates[Self.name(of: path), default: []].append(path) }
        // In a fixed order, so that the same environment always gives the same error.
        for name in names.sorted() {
            guard let value = environment.value(name), !value.isEmpty else { continue }
            let place = SourcePlace.environment(name: name)
            guard let paths = candidates[name] else {
                warnIfMistyped(name, place, known: candidates)
                continue
            }
            guard let path = paths.first, paths.count == 1 else {
                let list = paths.map { "`\($0.joined(separator: "."))`" }.sorted().joined(separator: ", ")
                throw place.error(
                    .ambiguousVariable,
                    "may mean any of \(list)",
                    fix: "set the one that you mean with -o, or rename a server"
                )
            }
            let scalar = SourceScalar(value, reference: "${\(name)}")
            guard tree.set(path[...], to: SourceValue(content: .scalar(scalar), place: place)) else {
                throw place.error(
                    .invalidOverride,
                    "cannot be set: something above it in the file is no section",
                    key: path.joined(separator: ".")
                )
            }
        }
    }

    /// Warns about an unknown name only if it is close to a known one: most unknown names belong to other programs.
    private func warnIfMistyped(_ name: String, _ place: SourcePlace, known: [String: [[String]]]) {
        guard !KubernetesVariable.matches(name), let guess = Suggestion.closest(to: name, among: known.keys.sorted())
        else { return }
        let key = known[guess]?.first?.joined(separator: ".") ?? ""
        diagnostics.warn(place.warning("is no key, ignored; did you mean `\(guess)` (\(key))?"))
    }

    /// Upper case, with every character that is not a letter or digit of ASCII turned into `_`.
    static func name(of path: [String]) -> String {
        let joined = path.joined(separator: "_").uppercased()
        return "RR_"
            + String(joined.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }
}
