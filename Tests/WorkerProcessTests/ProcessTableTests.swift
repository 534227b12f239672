import Glibc
import SystemPackage
import Testing

@testable import WorkerProcess

@Suite struct ProcessTableTests {
    private typealias Entry = ProcessTable.Entry

    @Test(arguments: [
        ("12 (php) S 7 12 1 0", Entry(pid: 12, parent: 7, hasEnded: false)),
        ("12 (a ) Z 99 (b) c) Z 7 12 1 0", Entry(pid: 12, parent: 7, hasEnded: true)),
        ("12 () R 1 12", Entry(pid: 12, parent: 1, hasEnded: false)),
        ("12 (x) X 0 0", Entry(pid: 12, parent: 0, hasEnded: true)),
        ("12 (php", nil), ("", nil), ("12 (php) S", nil), ("12 (php) S x 1", nil), (")", nil),
    ])
    func aLineOfStat(text: String, entry: ProcessTable.Entry?) {
        #expect(Entry(12, statistics: text) == entry)
    }

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
        #expect(table.families(of: [2, 3, 4, 9]) == [2, 3], "a number that is free is nobody's")
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

@Suite struct UnreadInputTests {
    private func pipe(writing count: Int) throws -> (reader: Descriptor, writer: Descriptor, input: UnreadInput) {
        let (reader, writer) = try Descriptor.pipe(options: .closeOnExec)
        try writer.writeAll([UInt8](repeating: 1, count: count))
        return (reader, writer, try UnreadInput(writeEnd: writer))
    }

    @Test func whatNobodyHasReadIsUnreadOnceNobodyIsLeftToReadIt() throws {
        let (reader, writer, input) = try self.pipe(writing: 100)
        #expect(input.count == 100)
        #expect(!input.isAbandoned, "somebody may read it yet")
        try reader.close()
        #expect(input.isAbandoned && input.count == 100)
        // As a channel does when it notices.
        try writer.close()
        #expect(input.isAbandoned && input.count == 100)
        input.close()
        #expect(!input.isAbandoned && input.count == 0)
        input.close()
    }

    @Test func aByteThatWasReadIsNotUnread() throws {
        let (reader, writer, input) = try self.pipe(writing: 100)
        var byte: UInt8 = 0
        _ = try withUnsafeMutableBytes(of: &byte) { try reader.read(into: $0) }
        try reader.close()
        #expect(input.count == 99)
        try writer.close()
    }
}
