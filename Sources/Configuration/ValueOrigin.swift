/// The origin of a value in force, from the weakest to the strongest (docs/configuration.md, precedence).
package enum ValueOrigin: Sendable, Equatable, Hashable, CustomStringConvertible {
    /// No source set it.
    case defaultValue
    /// A file named by `include`. The line is 1-based.
    case include(file: String, line: Int)
    /// The configuration file itself. The line is 1-based.
    case file(file: String, line: Int)
    /// An `RR_*` variable.
    case environment(name: String)
    /// `-o key=value`.
    case override
    /// A value computed from the given one, or without one, with the derivation.
    indirect case derived(ValueOrigin, String)

    package var description: String {
        switch self {
        case .defaultValue: "default"
        case .include(let file, let line): "include \(file):\(line)"
        case .file(let file, let line): "\(file):\(line)"
        case .environment(let name): "env \(name)"
        case .override: "-o"
        case .derived(let origin, let reason): "\(origin): \(reason)"
        }
    }
}
