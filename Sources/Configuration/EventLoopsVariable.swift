import Platform

/// `RR_EVENT_LOOPS`: the number of threads that move bytes. Not a key of the file: it describes the use of a machine,
/// not the service.
enum EventLoopsVariable {
    static let name = "RR_EVENT_LOOPS"
    /// More threads would only wait for each other.
    private static let range = 1...256

    /// - Throws: ``ConfigurationError/Code/invalidValue`` or ``ConfigurationError/Code/outOfRange``. Without a value the
    ///   variable counts as unset, as others do.
    static func value(
        in variables: EnvironmentVariables,
        _ processors: ProcessorBudget
    ) throws(ConfigurationError) -> (number: Int, origin: ValueOrigin) {
        let text = SectionReader.trimmed(variables[name] ?? "")
        let place = SourcePlace.environment(name: name)
        guard !text.isEmpty else {
            let number = min(processors.count, range.upperBound)
            return (number, .derived(.defaultValue, "one for each \(processors)"))
        }
        let fix = "use \(range.lowerBound)...\(range.upperBound), or unset it for one for each CPU"
        guard let number = Int(text) else {
            throw place.error(.invalidValue, "`\(text)` is not a whole number", fix: fix)
        }
        guard range.contains(number) else {
            throw place.error(.outOfRange, "\(number) is not allowed", fix: fix)
        }
        return (number, place.origin)
    }
}
