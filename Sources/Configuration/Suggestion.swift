/// "Did you mean": the known word that is closest to a mistyped one.
enum Suggestion {
    /// - Returns: the closest candidate within one edit, or two for words of at least eight letters: two edits may
    ///   change half of a short word. `nil` if there is none.
    static func closest(to word: String, among candidates: some Sequence<String>) -> String? {
        // Longer words are not typing errors, and the table below is quadratic.
        guard word.utf8.count <= 128 else { return nil }
        let limit = word.utf8.count < 8 ? 1 : 2
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(Array(word.utf8), Array(candidate.utf8))
            if distance <= limit, distance < (best?.distance ?? .max) { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// The Levenshtein distance, with two swapped neighbours counting as one edit.
    static func distance(_ one: [UInt8], _ two: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...two.count)
        for (row, left) in one.enumerated() {
            var current = [row + 1]
            for (column, right) in two.enumerated() {
                var cost = min(last[column] + (left == right ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left == two[column - 1], one[row - 1] == right {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[two.count]
    }
}
