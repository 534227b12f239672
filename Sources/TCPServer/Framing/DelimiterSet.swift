import Glibc

/// Several delimiters, any of which ends a packet.
///
/// The algorithm of Aho and Corasick finds them all at once: one look into a table for each byte, whatever their number.
package final class DelimiterSet: Sendable, Terminator {
    package static let mostDelimiters = 32
    package static let longestDelimiter = 255

    /// The end of a delimiter in a stream.
    struct End {
        var position: Int
        /// The index of the longest delimiter that ends there.
        var delimiter: Int
    }

    /// In the order in which they were given.
    package let delimiters: [[UInt8]]
    let longest: Int
    /// For each byte its column in `steps`; 0 for those that are in no delimiter.
    private let columns: [UInt8]
    private let columnCount: Int
    /// The next state for each state and column.
    private let steps: [UInt16]
    /// For each state the index of the longest delimiter that ends there, or -1.
    private let ended: [Int16]
    /// For each state the longest state that it ends with.
    private let fallbacks: [UInt16]
    /// For each state the number of bytes that lead to it.
    private let depths: [UInt8]
    /// For each delimiter the others that begin with it, the longest first.
    private let longer: [[Longer]]

    private struct Longer {
        var delimiter: Int
        /// What comes behind the shorter one.
        var tail: [UInt8]
    }

    /// - Parameter delimiters: 1…``mostDelimiters``, each of 1…``longestDelimiter`` bytes.
    package init(_ delimiters: [[UInt8]]) {
        precondition(!delimiters.isEmpty && delimiters.count <= Self.mostDelimiters, "1…32 delimiters")
        precondition(delimiters.allSatisfy { !$0.isEmpty && $0.count <= Self.longestDelimiter }, "1…255 bytes each")
        self.delimiters = delimiters
        self.longest = delimiters.map(\.count).max() ?? 0
        self.longer = delimiters.map { short in
            delimiters.enumerated()
                .filter { $1.count > short.count && $1.starts(with: short) }
                .map { Longer(delimiter: $0, tail: Array($1.dropFirst(short.count))) }
                .sorted { $0.tail.count > $1.tail.count }
        }
        // With all 256 bytes in use column 0 is one of theirs: no other byte is left that could need it.
        let used = Set(delimiters.joined()).sorted()
        let first = used.count == 256 ? 0 : 1
        var columns = [UInt8](repeating: 0, count: 256)
        for (index, byte) in used.enumerated() {
            columns[Int(byte)] = UInt8(index + first)
        }
        let columnCount = used.count + first
        self.columns = columns
        self.columnCount = columnCount

        // The tree of all delimiters.
        var children = [[UInt16?](repeating: nil, count: columnCount)]
        var ended: [Int16] = [-1]
        var depths: [UInt8] = [0]
        for (index, delimiter) in delimiters.enumerated() {
            var state = 0
            for byte in delimiter {
                let column = Int(columns[Int(byte)])
                if let next = children[state][column] {
                    state = Int(next)
                } else {
                    let depth = depths[state] + 1
                    children[state][column] = UInt16(children.count)
                    state = children.count
                    children.append([UInt16?](repeating: nil, count: columnCount))
                    ended.append(-1)
                    depths.append(depth)
                }
            }
            if ended[state] < 0 {
                ended[state] = Int16(index)
            }
        }

        // Shorter states first: the fallback of a state is shorter, and its steps are known by then.
        var steps = [UInt16](repeating: 0, count: children.count * columnCount)
        var fallbacks = [UInt16](repeating: 0, count: children.count)
        for state in children.indices.sorted(by: { (depths[$0], $0) < (depths[$1], $1) }) {
            let fallback = Int(fallbacks[state])
            if ended[state] < 0 {
                ended[state] = ended[fallback]
            }
            for column in 0..<columnCount {
                let other = state == 0 ? 0 : steps[fallback * columnCount + column]
                if let child = children[state][column] {
                    steps[state * columnCount + column] = child
                    fallbacks[Int(child)] = other
                } else {
                    steps[state * columnCount + column] = other
                }
            }
        }
        self.steps = steps
        self.ended = ended
        self.fallbacks = fallbacks
        self.depths = depths
    }

    func ends(_ bytes: UnsafeRawBufferPointer) -> Bool {
        self.delimiters.contains { delimiter in
            bytes.count >= delimiter.count && bytes.suffix(delimiter.count).elementsEqual(delimiter)
        }
    }

    /// Continues the search to the end of the next delimiter, and starts afresh there.
    func firstEnd(in bytes: UnsafeRawBufferPointer, _ progress: inout Delimiter.Progress) -> End? {
        self.search(bytes, &progress, bytes.count, stopsAtFirst: true)
    }

    /// The end of the longest delimiter that begins where this one begins, as far as it was read.
    func longest(_ end: End, in bytes: UnsafeRawBufferPointer) -> End {
        let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(end.position))
        guard let longer = self.longer[end.delimiter].first(where: { rest.starts(with: $0.tail) }) else {
            return end
        }
        return End(position: end.position + longer.tail.count, delimiter: longer.delimiter)
    }

    /// What may follow a delimiter and make it a longer one, the longest first.
    func tails(of delimiter: Int) -> [[UInt8]] {
        self.longer[delimiter].map(\.tail)
    }

    func lastEnd(in bytes: UnsafeRawBufferPointer, _ progress: inout Delimiter.Progress, limit: Int) -> Int? {
        self.search(bytes, &progress, limit, stopsAtFirst: false)?.position
    }

    func forget(before start: Int, _ progress: inout Delimiter.Progress) {
        progress.position -= start
        while Int(self.depths[progress.matched]) > progress.position {
            progress.matched = Int(self.fallbacks[progress.matched])
        }
    }

    @inline(__always)
    private func search(
        _ bytes: UnsafeRawBufferPointer,
        _ progress: inout Delimiter.Progress,
        _ limit: Int,
        stopsAtFirst: Bool
    ) -> End? {
        self.steps.withUnsafeBufferPointer { steps in
            self.columns.withUnsafeBufferPointer { columns in
                self.ended.withUnsafeBufferPointer { ended in
                    var end: End?
                    var state = progress.matched
                    var position = progress.position
                    while position < limit {
                        state = Int(steps[state * self.columnCount + Int(columns[Int(bytes[position])])])
                        position += 1
                        if ended[state] >= 0 {
                            end = End(position: position, delimiter: Int(ended[state]))
                            if stopsAtFirst {
                                state = 0
                                break
                            }
                        }
                    }
                    progress = Delimiter.Progress(position: position, matched: state)
                    return end
                }
            }
        }
    }
}
