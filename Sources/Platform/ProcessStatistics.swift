/// A process as `/proc/PID/stat` shows it: `pid (name) state parent …`, proc_pid_stat(5).
package struct ProcessStatistics: Sendable, Hashable {
    /// The name of the program, truncated by the kernel to 15 bytes.
    package let name: String
    package let parent: Int32
    /// Whether the process has ended and waits to be reaped.
    package let hasEnded: Bool
    /// The fields after the name.
    private let fields: ArraySlice<UInt8>

    /// - Parameter bytes: The file. The name may hold anything, spaces and parentheses too, so it ends at the last
    ///   parenthesis.
    /// - Returns: `nil` unless name, state and parent are present.
    init?(_ bytes: [UInt8]) {
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")), let close = bytes.lastIndex(of: UInt8(ascii: ")")),
            open < close
        else {
            return nil
        }
        let fields = bytes[(close + 1)...]
        let first = fields.split(maxSplits: 2, whereSeparator: Self.isSpace)
        guard first.count >= 2, let parent = Int32(String(decoding: first[1], as: UTF8.self)) else {
            return nil
        }
        self.name = String(decoding: bytes[(open + 1)..<close], as: UTF8.self)
        self.parent = parent
        self.hasEnded = [UInt8(ascii: "Z"), UInt8(ascii: "X")].contains(first[0].first)
        self.fields = fields
    }

    /// The process's start, in clock ticks since the machine's boot: the same id with another start is another process.
    package var start: UInt64? { self.field(22) }

    /// The time on all processors, in user and system mode, in clock ticks.
    package var processorTime: UInt64? {
        guard let user = self.field(14), let system = self.field(15) else {
            return nil
        }
        return user &+ system
    }

    package var threads: Int? { self.field(20).map { Int(clamping: $0) } }

    /// - Parameter number: As proc_pid_stat(5) counts them, from 1; the state is the third.
    /// - Returns: `nil` if the file is shorter, or the field is not a number.
    private func field(_ number: Int) -> UInt64? {
        let words = self.fields.split(maxSplits: number - 2, whereSeparator: Self.isSpace)
        guard words.count > number - 3 else {
            return nil
        }
        return UInt64(String(decoding: words[number - 3], as: UTF8.self))
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n")
    }
}
