import Glibc

/// A delimiter of packets. Searching a stream for it takes linear time, whatever the delimiter and the pieces that the
/// stream arrives in: the algorithm of Knuth, Morris and Pratt examines each byte once and keeps one number between
/// pieces. A class, so that a copy of a rule counts one reference.
package final class Delimiter: Sendable {
    /// How far a stream has been searched.
    struct Progress {
        /// Number of bytes searched.
        var position = 0
        /// Length of the longest proper prefix of the delimiter that those bytes end with; for ``DelimiterSet`` the state
        /// of its automaton.
        var matched = 0
    }

    /// At least one byte.
    package let bytes: [UInt8]
    /// For each prefix of the delimiter, by its length minus one: the length of the longest shorter prefix that it ends
    /// with.
    private let fallbacks: [Int32]

    /// - Parameter delimiter: At least one byte. It stays at the end of each packet.
    package init(_ delimiter: [UInt8]) {
        precondition(!delimiter.isEmpty, "a delimiter has at least one byte")
        self.bytes = delimiter
        var fallbacks = [Int32](repeating: 0, count: delimiter.count)
        var matched = 0
        for position in delimiter.indices.dropFirst() {
            while matched > 0, delimiter[matched] != delimiter[position] {
                matched = Int(fallbacks[matched - 1])
            }
            if delimiter[matched] == delimiter[position] {
                matched += 1
            }
            fallbacks[position] = Int32(matched)
        }
        self.fallbacks = fallbacks
    }

    /// Whether `bytes` ends with the delimiter; the search's progress is not involved.
    func ends(_ bytes: UnsafeRawBufferPointer) -> Bool {
        self.bytes.withUnsafeBytes { expected in
            guard bytes.count >= expected.count, let base = bytes.baseAddress, let start = expected.baseAddress else {
                return false
            }
            return memcmp(base + (bytes.count - expected.count), start, expected.count) == 0
        }
    }

    /// Continues the search to the end of the next delimiter, and starts afresh there: delimiters do not overlap.
    ///
    /// - Returns: The position after the delimiter, or `nil` if none ends before `limit`.
    func firstEnd(in bytes: UnsafeRawBufferPointer, _ progress: inout Progress, limit: Int) -> Int? {
        self.search(bytes, &progress, limit, stopsAtFirst: true)
    }

    /// Continues the search to `limit`.
    ///
    /// - Returns: The position after the last delimiter that was found, even if it overlaps with another.
    func lastEnd(in bytes: UnsafeRawBufferPointer, _ progress: inout Progress, limit: Int) -> Int? {
        self.search(bytes, &progress, limit, stopsAtFirst: false)
    }

    var longest: Int {
        self.bytes.count
    }

    /// Drops the bytes before `start` from the count. They must have been searched already.
    func forget(before start: Int, _ progress: inout Progress) {
        progress.position -= start
        while progress.matched > progress.position {
            progress.matched = Int(self.fallbacks[progress.matched - 1])
        }
    }

    @inline(__always)
    private func search(
        _ bytes: UnsafeRawBufferPointer,
        _ progress: inout Progress,
        _ limit: Int,
        stopsAtFirst: Bool
    ) -> Int? {
        self.bytes.withUnsafeBufferPointer { delimiter in
            self.fallbacks.withUnsafeBufferPointer { fallbacks in
                guard let base = bytes.baseAddress else {
                    return nil
                }
                let first = delimiter[0]
                var position = progress.position
                var matched = progress.matched
                var end: Int?
                while position < limit {
                    // Most bytes do not begin a delimiter: memchr(3) skips many of them at a time.
                    if matched == 0, bytes[position] != first {
                        guard let hit = memchr(base + position, Int32(first), limit - position) else {
                            position = limit
                            break
                        }
                        position = UnsafeRawPointer(hit) - base
                    }
                    let byte = bytes[position]
                    while matched > 0, delimiter[matched] != byte {
                        matched = Int(fallbacks[matched - 1])
                    }
                    if delimiter[matched] == byte {
                        matched += 1
                    }
                    position += 1
                    if matched == delimiter.count {
                        end = position
                        if stopsAtFirst {
                            matched = 0
                            break
                        }
                        matched = Int(fallbacks[matched - 1])
                    }
                }
                progress = Progress(position: position, matched: matched)
                return end
            }
        }
    }
}

/// What ends a packet in ``MergeDecoder``.
protocol Terminator {
    /// The number of bytes of the longest delimiter.
    var longest: Int { get }

    /// Whether `bytes` ends with a delimiter.
    func ends(_ bytes: UnsafeRawBufferPointer) -> Bool

    /// Continues the search to `limit`.
    ///
    /// - Returns: The position after the last delimiter that was found.
    func lastEnd(in bytes: UnsafeRawBufferPointer, _ progress: inout Delimiter.Progress, limit: Int) -> Int?

    /// Drops the bytes before `start`, which have been searched, from the count.
    func forget(before start: Int, _ progress: inout Delimiter.Progress)
}

extension Delimiter: Terminator {}
