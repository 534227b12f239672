import SystemPackage
import Testing

@testable import WorkerProcess

@Suite struct UnreadInputTests {
    private func pipe(writing count: Int) throws -> (reader: Descriptor, writer: Descriptor, input: UnreadInput) {
        let (reader, writer) = try Descriptor.pipe(options: .closeOnExec)
        try writer.writeAll([UInt8](repeating: 1, count: count))
        return (reader, writer, try UnreadInput(writeEnd: writer))
    }

    @Test func whatNobodyHasReadIsUnreadOnceNobodyIsLeftToReadIt() throws {
        let (reader, writer, input) = try self.pipe(writing: 100)
        #expect(!input.isUnread(100), "somebody may read it yet")
        try reader.close()
        #expect(input.isUnread(100))
        // As a channel does when it notices.
        try writer.close()
        #expect(input.isUnread(100))
        #expect(!input.isUnread(101), "a part of it was read, or never was in the pipe")
        input.close()
        #expect(!input.isUnread(0))
        input.close()
    }

    @Test func aByteThatWasReadProvesNothing() throws {
        let (reader, writer, input) = try self.pipe(writing: 100)
        var byte: UInt8 = 0
        _ = try withUnsafeMutableBytes(of: &byte) { try reader.read(into: $0) }
        try reader.close()
        #expect(!input.isUnread(100))
        try writer.close()
    }
}

extension UnreadInput {
    /// Whether so many bytes are in the pipe for good.
    fileprivate func isUnread(_ count: Int) -> Bool {
        self.isAbandoned && self.count >= count
    }
}
