import Glibc
import Testing

@testable import Platform

@Suite struct ProcessTableTests {
    private typealias Entry = ProcessTable.Entry

    @Test func descendantsAreThoseThatLiveOfAllGenerations() {
        let table = ProcessTable([
            Entry(pid: 2, parent: 1, hasEnded: false), Entry(pid: 3, parent: 2, hasEnded: false),
            Entry(pid: 4, parent: 3, hasEnded: false), Entry(pid: 5, parent: 1, hasEnded: false),
            Entry(pid: 6, parent: 2, hasEnded: true), Entry(pid: 7, parent: 5, hasEnded: false),
        ])
        #expect(table.descendants(of: 2) == [3, 4])
        #expect(table.descendants(of: 1) == [2, 3, 4, 5, 7])
        #expect(table.descendants(of: 1, sparing: [5]) == [2, 3, 4])
        #expect(table.descendants(of: 9).isEmpty)
    }

    @Test func aFamilyIsThoseThatLiveAndTheirDescendants() {
        let table = ProcessTable([
            Entry(pid: 2, parent: 1, hasEnded: false), Entry(pid: 3, parent: 2, hasEnded: false),
            Entry(pid: 4, parent: 1, hasEnded: true), Entry(pid: 5, parent: 1, hasEnded: false),
        ])
        #expect(table.families(of: [2]) == [2, 3])
        #expect(table.families(of: [2, 3, 4, 9]) == [2, 3], "a free number is no process")
        #expect(table.families(of: []).isEmpty)
    }

    @Test func aCircleHasAnEnd() {
        let table = ProcessTable([
            Entry(pid: 2, parent: 3, hasEnded: false), Entry(pid: 3, parent: 2, hasEnded: false),
        ])
        #expect(table.descendants(of: 2) == [2, 3])
    }

    @Test func itShowsThisProcess() {
        #expect(ProcessTable().entries.contains(Entry(pid: getpid(), parent: getppid(), hasEnded: false)))
    }
}
