import Platform

/// What the reading of one configuration has besides its text.
package struct ReadingContext {
    /// What defaults are made of.
    package let machine: MachineResources
    /// What relative paths of sockets count from.
    package let workDirectory: String
    package let diagnostics: Diagnostics
}
