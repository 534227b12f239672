import Configuration
import Foundation
import Testing

@testable import Application

/// What stands elsewhere of keys follows from their declarations: docs/configuration.md, docs/migrating-from-roadrunner.md
/// and the chart.
///
/// A table of the reference is what lies between `<!-- keys: A B -->` and `<!-- end -->`: the keys at and below A and B but
/// for those that have a table of their own. `RR_WRITE_REFERENCE=1` writes the tables instead of comparing them.
@Suite struct ReferenceTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let rows = Schema.fileRows + Settings.section.rows()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The table for a list of sections, of all the lists that there are.
    private static func table(_ sections: [String], of all: [String]) -> [String] {
        func owner(_ path: String) -> String? {
            all.filter { path == $0 || path.hasPrefix("\($0).") }.max { $0.count < $1.count }
        }
        let isWithoutEffect = sections == ["without effect"]
        let rows = rows.filter { row in
            isWithoutEffect ? row.effect == .never : row.effect == .inEffect && sections.contains(owner(row.path) ?? "")
        }
        let head =
            isWithoutEffect
            ? ["| key | why it does nothing |", "| --- | --- |"]
            : ["| key | type | default | range | what it does |", "| --- | --- | --- | --- | --- |"]
        return head + rows.map(\.markdown)
    }

    @Test func theReferenceIsWhatIsDeclared() throws {
        let path = "docs/configuration.md"
        let lines = try Self.text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let (prefix, suffix) = ("<!-- keys: ", " -->")
        func sections(_ line: String) -> [String]? {
            guard line.hasPrefix(prefix) else { return nil }
            let list = line.dropFirst(prefix.count).dropLast(suffix.count)
            return list == "without effect" ? ["without effect"] : list.split(separator: " ").map(String.init)
        }
        let all = lines.compactMap { sections($0) }.flatMap { $0 }
        var expected: [String] = []
        var isInTable = false
        for line in lines {
            if line == "<!-- end -->" { isInTable = false }
            if !isInTable { expected.append(line) }
            if let sections = sections(line) {
                isInTable = true
                expected += Self.table(sections, of: all)
            }
        }
        if ProcessInfo.processInfo.environment["RR_WRITE_REFERENCE"] == "1" {
            let text = expected.joined(separator: "\n")
            try text.write(to: Self.root.appendingPathComponent(path), atomically: true, encoding: .utf8)
            return
        }
        let (missing, others) = (Set(expected).subtracting(lines).sorted(), Set(lines).subtracting(expected).sorted())
        #expect(
            lines == expected,
            """
            the tables of \(path) are not what is declared (RR_WRITE_REFERENCE=1 writes them)
            missing:\n\(missing.joined(separator: "\n"))\nno longer true:\n\(others.joined(separator: "\n"))
            """
        )
        let inTables = expected.filter { $0.hasPrefix("| `") }
        for row in Self.rows {
            #expect(inTables.filter { $0 == row.markdown }.count == 1, "\(row.path) is in no table, or in two")
        }
    }

    @Test func extensionsAreNamedToThoseWhoMigrate() throws {
        let text = try Self.text("docs/migrating-from-roadrunner.md")
        for row in Self.rows where row.marks.contains(.ours) {
            #expect(text.contains("`\(row.path)"), "\(row.path)")
        }
    }

    /// Everything that `rr check` prints is declared, and what is declared is printed with its default.
    @Test func whatIsCheckedIsWhatIsDeclared() throws {
        let text = """
            version: '3'
            server: {command: php, on_init: {command: x}}
            tcp:
              servers: {main: {addr: ':1', proxy_protocol: {from: 10.0.0.0/8}, tls: {cert: x, key: y}}}
              pool: {supervisor: {}, dynamic_allocator: {}}
            logs: {file_logger_options: {log_output: x}}
            rpc: {tls: {cert: x, key: y}}
            kv: {a: {driver: memory}, b: {driver: boltdb}, c: {driver: redis, config: {tls: {}}}}
            status: {address: ':2', tls: {cert: x, key: y}}
            metrics: {tls: {cert: x, key: y}}
            """
        let leaves = try load(text).effective.leaves
        var printed: [String: EffectiveNode.Leaf] = [:]
        for leaf in leaves {
            let path = leaf.path.replacing("tcp.servers.main.", with: "tcp.servers.<name>.")
            printed[path.replacing(/^kv\.[abc]\./, with: "kv.<name>.")] = leaf
        }
        let known = Set(Self.rows.map(\.path))
        #expect(printed.keys.filter { !known.contains($0) } == [])
        for row in Self.rows where row.effect == .inEffect && row.default.hasPrefix("`") {
            // What another key gives, and what a mode implies.
            // A metric's keys are printed where they are given.
            guard !row.path.hasPrefix("metrics.collect.") else { continue }
            let other = row.default.filter { $0 != "`" }
            let sibling = (row.path.split(separator: ".").dropLast() + [other[...]]).joined(separator: ".")
            guard !known.contains(other), !known.contains(sibling), row.default != "`stderr`" else { continue }
            let leaf = try #require(printed[row.path], "\(row.path) is not printed")
            #expect(leaf.origin == .defaultValue, "\(row.path)")
            let value = leaf.values.map(\.text).joined(separator: ", ").replacing("\r\n", with: "\\r\\n").replacing(
                "\n", with: "\\n")
            #expect(row.default.filter { !"`\"".contains($0) } == value, "\(row.path)")
        }
    }

    /// Where the chart describes keys it names those that there are.
    @Test func theChartKnowsNoOtherKeys() throws {
        let data = Data(try Self.text("helm/values.schema.json").utf8)
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let config = try #require((schema["properties"] as? [String: Any])?["config"] as? [String: Any])
        func paths(_ node: [String: Any], _ path: String) -> [String] {
            let properties = (node["properties"] as? [String: Any] ?? [:]).sorted { $0.key < $1.key }
            var found = properties.flatMap { name, value in
                paths(value as? [String: Any] ?? [:], path.isEmpty ? name : "\(path).\(name)")
            }
            if let inner = node["additionalProperties"] as? [String: Any] { found += paths(inner, "\(path).<name>") }
            return found + (path.isEmpty ? [] : [path])
        }
        let named = paths(config, "")
        #expect(named.contains("tcp.servers.<name>.addr") && named.contains("endure.grace_period"))
        for path in named {
            #expect(Self.rows.contains { $0.path == path || $0.path.hasPrefix("\(path).") }, "\(path)")
        }
        let templates = try Self.text("helm/templates/_config.tpl")
        for match in templates.matches(of: /config\.([a-z]+\.[a-z_]+)/) {
            let path = String(match.output.1)
            #expect(Self.rows.contains { $0.path == path || $0.path.hasPrefix("\(path).") }, "\(path)")
        }
        let variables = Self.rows.map { row in
            "RR_" + row.path.uppercased().replacing("<NAME>", with: "NAME").replacing(".", with: "_")
        }
        for match in templates.matches(of: /name: (RR_[A-Z_]+)\n/) {
            #expect(variables.contains(String(match.output.1)), "\(match.output.1)")
        }
    }
}
