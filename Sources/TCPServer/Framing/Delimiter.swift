import Glibc

/// A delimiter of packets. It is found in a stream that comes in pieces in time linear in the stream, whatever the
/// delimiter and the pieces are: the algorithm of Knuth, Morris and Pratt looks at each byte once and keeps a number
/// between pieces.
package struct Delimiter: Sendable, Hashable {
    /// How far a stream was searched.
    struct Progress {
        /// Bytes that were looked at.
        var position = 0
        /// Length of the longest beginning of the delimiter that those bytes end with, the whole of it excluded.
        var matched = 0
    }

    /// At least one byte.
    package let bytes: [UInt8]
    /// For each beginning of the delimiter, by its length less one: the length of the longest shorter beginning that it
    /// ends with.
    private let fallbacks: [Int32]

    /// - Parameter delimiter: At least one byte; stays at the end of a packet.
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

    /// Whether it ends so many bytes; nothing is remembered.
    func ends(_ bytes: UnsafeRawBufferPointer) -> Bool {
        self.bytes.withUnsafeBytes { expected in
            guard bytes.count >= expected.count, let base = bytes.baseAddress, let start = expected.baseAddress else {
                return false
            }
            return memcmp(base + (bytes.count - expected.count), start, expected.count) == 0
        }
    }

    /// Goes on to the first end of a delimiter, and forgets it: delimiters do not overlap.
    ///
    /// - Returns: The position after it; `nil` when there is none before `limit`.
    func firstEnd(in bytes: UnsafeRawBufferPointer, _ progress: inout Progress, limit: Int) -> Int? {
        self.search(bytes, &progress, limit, stopsAtFirst: true)
    }

    /// Goes on to `limit`.
    ///
    /// - Returns: The position after the last delimiter that ends on the way, also when it overlaps with another.
    func lastEnd(in bytes: UnsafeRawBufferPointer, _ progress: inout Progress, limit: Int) -> Int? {
        self.search(bytes, &progress, limit, stopsAtFirst: false)
    }

    /// Forgets the bytes before `start`, which is not beyond what was looked at.
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
                    // Most bytes begin no delimiter: the C library skips many of them at a time.
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
