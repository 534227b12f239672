/// The expected result of each file of `Corpus`, derived independently of the code under test.
///
/// A file's line is `NAME: OUTCOME`, where the outcome is `loads` or `CODE @LINE KEY`; the indented lines below it are
/// the keys that the file sets, with the values in force, parted by ` ; `. Backslash escapes stand for themselves in
/// the values.
///
/// Most of the files are of other plugins and end in `no servers`: this service has nothing to do in them. Their keys
/// are checked with a server (and a command, should there be none) given by `-o`.
struct CorpusTable {
    struct Entry: Sendable, CustomStringConvertible {
        var name: String
        var outcome: String
        var keys: [String: String]

        var description: String { name }
    }

    static let entries = parse(files)

    private static func parse(_ text: String) -> [Entry] {
        var entries: [Entry] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("  ") {
                for item in line.dropFirst(2).split(separator: " ;") {
                    let parts = item.trimmingPrefix(" ").split(separator: " = ", maxSplits: 1)
                    entries[entries.count - 1].keys[String(parts[0])] = String(parts[1])
                }
            } else {
                let parts = line.split(separator: ": ", maxSplits: 1)
                entries.append(Entry(name: String(parts[0]), outcome: String(parts[1]), keys: [:]))
            }
        }
        return entries
    }
}
