import Glibc

/// The share of the machine that this process may use. Some defaults derive from it.
package struct MachineResources: Sendable, Hashable {
    package var processors: ProcessorBudget
    /// The bytes that this process and its workers may use together, by their control group; `nil` without a limit.
    package var memoryLimit: Int?

    package init(processors: ProcessorBudget, memoryLimit: Int? = nil) {
        self.processors = processors
        self.memoryLimit = memoryLimit
    }

    /// Reads the present limits.
    ///
    /// - Parameter root: The directory that holds `/proc` and `/sys`; empty for the real ones.
    package init(root: String = "") {
        let groups = ControlGroups(root: root)
        self.init(
            processors: ProcessorBudget(
                root: root,
                groups: groups,
                fallback: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            ),
            memoryLimit: groups.memoryLimit
        )
    }
}
