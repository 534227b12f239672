import Glibc
import SystemPackage
import Testing

@testable import WorkerProcess

@Suite struct UnreadInputTests {
    private func pipe(writing count: Int) throws -> (reader: Descriptor, writer: Descriptor, input: UnreadInput) {
        let (reader, writer) = try Descriptor.pipe(options: .closeOnExec)
        try writer.writeAll([UInt8](repeating: 1, count: count))
        return (reader, writer, try UnreadInput(writeEnd: writer))
    }

    @Test func whatIsTakenBackNobodyReads() throws {
        let (reader, writer, input) = try self.pipe(writing: 50_000)
        var bytes = [UInt8](repeating: 0, count: 1000)
        #expect(try bytes.withUnsafeMutableBytes { try reader.read(into: $0) } == 1000)
        #expect(input.takeBack() == 49_000)
        #expect(input.takeBack() == 0)
        try writer.writeAll([2])
        #expect(try bytes.withUnsafeMutableBytes { try reader.read(into: $0) } == 1)
        #expect(bytes[0] == 2)
        try reader.close()
        try writer.close()
    }

    @Test func itIsTakenBackAlsoOnceBothEndsAreClosed() throws {
        let (reader, writer, input) = try self.pipe(writing: 100)
        try reader.close()
        // As a channel does when it notices.
        try writer.close()
        #expect(input.takeBack() == 100)
        input.close()
        #expect(input.takeBack() == 0)
        input.close()
    }

    @Test func itsLookDoesNotHideThatNobodyReads() throws {
        signal(SIGPIPE, SIG_IGN)
        let (reader, writer, input) = try self.pipe(writing: 100)
        try reader.close()
        _ = input.takeBack()
        #expect(throws: Errno.brokenPipe) { try writer.writeAll([1]) }
        try writer.close()
    }
}
