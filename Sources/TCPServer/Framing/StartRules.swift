/// Rules of which the first bytes of a packet choose one.
package final class StartRules: Sendable {
    package struct Entry: Sendable {
        /// Empty: any packet.
        let starts: [UInt8]
        let rule: PacketFraming.Rule

        package init(starts: [UInt8], _ rule: PacketFraming.Rule) {
            self.starts = starts
            self.rule = rule
        }
    }

    /// How far the choice for a packet has come.
    enum Choice {
        /// The packet so far, `matched` bytes of it, is the beginning of this entry's and of no earlier one's.
        case open(candidate: Int, matched: Int)
        case made(Int)

        static let fresh = Choice.open(candidate: 0, matched: 0)
    }

    let entries: [Entry]

    /// - Parameter entries: At least one; the first that fits is chosen. None has a rule of this kind.
    package init(_ entries: [Entry]) {
        precondition(!entries.isEmpty, "at least one rule")
        self.entries = entries
    }

    /// Continues the choice. Each byte is examined once: what it was is known from the candidate that it fitted.
    ///
    /// - Returns: `false` if no entry fits.
    func choose(_ bytes: UnsafeRawBufferPointer, _ choice: inout Choice) -> Bool {
        guard case .open(var candidate, var matched) = choice else {
            return true
        }
        while true {
            let starts = self.entries[candidate].starts
            if matched == starts.count {
                choice = .made(candidate)
                return true
            }
            guard matched < bytes.count else {
                choice = .open(candidate: candidate, matched: matched)
                return true
            }
            if bytes[matched] == starts[matched] {
                matched += 1
                continue
            }
            let seen = starts.prefix(matched) + [bytes[matched]]
            let others = self.entries.indices.dropFirst(candidate + 1)
            guard
                let next = others.first(where: { index in
                    let other = self.entries[index].starts
                    return other.count < seen.count ? seen.starts(with: other) : other.starts(with: seen)
                })
            else {
                return false
            }
            candidate = next
            matched = min(seen.count, self.entries[next].starts.count)
        }
    }
}
