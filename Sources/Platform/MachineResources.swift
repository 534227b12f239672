import Glibc

/// What this process may use of the machine: what some defaults are made of.
package struct MachineResources: Sendable, Hashable {
    package var processors: ProcessorBudget
    /// Bytes that this process and its workers may hold together, by their control group; `nil` when nothing says so.
    package var memoryLimit: Int?

    package init(processors: ProcessorBudget, memoryLimit: Int? = nil) {
        self.processors = processors
        self.memoryLimit = memoryLimit
    }

    /// Reads what the kernel tells now.
    ///
    /// - Parameter root: Where `/proc` and `/sys` are looked for; empty for the real ones.
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
