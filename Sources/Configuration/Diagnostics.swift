/// Collects warnings while one configuration is read.
package final class Diagnostics {
    /// The most warnings that are kept: a file for another program must not flood the log.
    static let maximum = 200

    private(set) var warnings: [ConfigurationWarning] = []
    private var seen: Set<String> = []

    /// Whether no further warning is kept.
    var isFull: Bool { warnings.count >= Self.maximum }

    /// Keeps a warning unless the same one for the same key was kept before.
    package func warn(_ warning: ConfigurationWarning) {
        guard !isFull, seen.insert("\(warning.key ?? "")\u{0}\(warning.message)").inserted else { return }
        warnings.append(warning)
        guard isFull else { return }
        warnings.append(ConfigurationWarning(file: warning.file, message: "further warnings are left out"))
    }
}
