import Glibc
import Testing

@testable import Platform

@Suite struct ProcessLineageTests {
    @Test("The lineage of a process has its group and its parents, but not this process")
    func lineage() {
        let own = getpid()
        #expect(!ProcessLineage(of: own).processes.contains(own))
        let parent = ProcessLineage(of: own).processes.contains(getppid())
        #expect(parent || getppid() <= 1)
        #expect(ProcessLineage(of: .max).processes.isEmpty)
        #expect(!ProcessLineage.isLivingChild(own) && !ProcessLineage.isLivingChild(getppid()))
    }
}
