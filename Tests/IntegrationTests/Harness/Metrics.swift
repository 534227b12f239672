import Foundation

/// Metrics as Prometheus reads them: everything that the text format 0.0.4 and its conventions forbid is an error.
struct Metrics {
    struct Malformed: Error, CustomStringConvertible {
        var line: String
        var reason: String

        var description: String { "\(self.reason): \(self.line)" }
    }

    /// Values by series, as the text has it: `name{label="value"}`.
    private(set) var values: [String: Double] = [:]
    private(set) var types: [String: String] = [:]

    static func scrape(_ endpoint: Endpoint, path: String = "/metrics") throws -> Metrics {
        let answer = try HTTPAnswer.get(path, at: endpoint)
        guard answer.status == 200, answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8" else {
            throw Malformed(line: "\(answer.status) \(answer.headers)", reason: "no metrics")
        }
        return try Metrics(answer.body)
    }

    subscript(_ series: String) -> Double? {
        self.values[series]
    }

    /// The sum over all label values.
    func sum(_ name: String) -> Double {
        self.values.filter { $0.key == name || $0.key.hasPrefix("\(name){") }.values.reduce(0, +)
    }

    /// Series whose value only grows.
    var counters: [String: Double] {
        self.values.filter { series, _ in
            let family = Self.family(of: String(series.prefix { $0 != "{" }), self.types)
            return self.types[family] == "counter" || self.types[family] == "histogram"
        }
    }

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else {
            throw Malformed(line: String(text.suffix(40)), reason: "the last line is not ended")
        }
        var family = ""
        var helps: Set<String> = []
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            func fail(_ reason: String) -> Malformed { Malformed(line: line, reason: reason) }
            if line.hasPrefix("# ") {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                guard words.count == 4, Self.isName(words[2]) else { throw fail("bad comment") }
                if words[1] == "HELP" {
                    guard helps.insert(words[2]).inserted else { throw fail("HELP twice") }
                    family = words[2]
                } else {
                    guard words[1] == "TYPE", words[2] == family, self.types[family] == nil,
                        ["counter", "gauge", "histogram"].contains(words[3])
                    else { throw fail("bad TYPE") }
                    guard (words[3] == "counter") == family.hasSuffix("_total") else { throw fail("bad suffix") }
                    self.types[family] = words[3]
                }
                continue
            }
            let (name, labels, value) = try Self.sample(line)
            guard Self.family(of: name, self.types) == family, self.types[family] != nil else {
                throw fail("outside its family")
            }
            guard Set(labels.map(\.0)).count == labels.count else { throw fail("a label twice") }
            guard self.values.updateValue(value, forKey: Self.series(of: line)) == nil else { throw fail("twice") }
            guard self.types[family] == "gauge" || value >= 0 else { throw fail("a negative count") }
        }
        try self.checkHistograms()
    }

    private func checkHistograms() throws {
        for (name, type) in self.types where type == "histogram" {
            let buckets = self.values.filter { $0.key.hasPrefix("\(name)_bucket{") }.map { series, value in
                let bound = series.dropFirst("\(name)_bucket{le=\"".count).dropLast(2)
                return (bound: bound == "+Inf" ? .infinity : Double(bound) ?? .nan, value: value)
            }.sorted { $0.bound < $1.bound }
            guard buckets.last?.bound == .infinity, buckets.last?.value == self["\(name)_count"],
                self["\(name)_sum"] != nil, !buckets.contains(where: { $0.bound.isNaN }),
                zip(buckets, buckets.dropFirst()).allSatisfy({ $0.value <= $1.value })
            else {
                throw Malformed(line: name, reason: "a bad histogram")
            }
        }
    }

    private static func family(of name: String, _ types: [String: String]) -> String {
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            let family = String(name.dropLast(suffix.count))
            if types[family] == "histogram" {
                return family
            }
        }
        return name
    }

    private static func isName(_ text: String) -> Bool {
        text.range(of: "^[a-zA-Z_:][a-zA-Z0-9_:]*$", options: .regularExpression) != nil
    }

    private static func series(of line: String) -> String {
        String(line[..<(line.lastIndex(of: " ") ?? line.endIndex)])
    }

    /// Character by character: a quote or a backslash that is not escaped ends in an error here.
    private static func sample(_ line: String) throws -> (String, [(String, String)], Double) {
        func fail(_ reason: String) -> Malformed { Malformed(line: line, reason: reason) }
        var rest = line[...]
        let name = String(rest.prefix { $0 != "{" && $0 != " " })
        guard Self.isName(name) else { throw fail("a bad name") }
        rest = rest.dropFirst(name.count)
        var labels: [(String, String)] = []
        if rest.first == "{" {
            repeat {
                rest = rest.dropFirst()
                let label = String(rest.prefix { $0 != "=" })
                guard Self.isName(label), !label.contains(":") else { throw fail("a bad label") }
                rest = rest.dropFirst(label.count)
                guard rest.hasPrefix("=\"") else { throw fail("no quote") }
                rest = rest.dropFirst(2)
                var value = ""
                while let character = rest.popFirst(), character != "\"" {
                    guard character == "\\" else {
                        value.append(character)
                        continue
                    }
                    guard let escaped = rest.popFirst(), "\\\"n".contains(escaped) else { throw fail("a bad escape") }
                    value.append(escaped == "n" ? "\n" : escaped)
                }
                labels.append((label, value))
            } while rest.first == ","
            guard rest.popFirst() == "}" else { throw fail("no end of labels") }
        }
        guard rest.popFirst() == " ", let value = Double(rest), !rest.contains(" ") else { throw fail("a bad value") }
        return (name, labels, value)
    }
}
