import Platform

/// The surroundings of one reading: everything besides the text of the configuration.
package struct ReadingContext {
    /// Defaults are computed from it.
    package let machine: MachineResources
    /// Relative paths of sockets count from here.
    package let workDirectory: String
    package let diagnostics: Diagnostics
}
