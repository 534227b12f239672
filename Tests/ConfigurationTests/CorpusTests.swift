import Configuration
import Foundation
import Testing

@testable import Application

/// Configurations such as RoadRunner's users have, of all its plugins.
private enum Corpus {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Corpus").path

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
}

@Suite struct CorpusTests {
    private let loader = ConfigurationLoader(environment: [:], processorCount: 4)

    @Test func theTableIsComplete() {
        #expect(CorpusTable.entries.map(\.name).sorted() == Corpus.names)
    }

    @Test(arguments: CorpusTable.entries)
    func outcome(_ entry: CorpusTable.Entry) throws {
        var outcome = "loads"
        do throws(ConfigurationError) {
            _ = try loader.load(path: "\(Corpus.folder)/\(entry.name)")
        } catch {
            outcome = error.code.description
            if let line = error.line { outcome += " @\(line)" }
            outcome += " \(error.key ?? "")"
        }
        #expect(outcome == entry.outcome)
    }

    @Test(arguments: CorpusTable.entries.filter { !$0.keys.isEmpty || $0.outcome.hasPrefix("no servers") })
    func values(_ entry: CorpusTable.Entry) throws {
        var overrides: [String] = []
        if entry.outcome != "loads" { overrides.append("tcp.servers.probe.addr=127.0.0.1:0") }
        if entry.keys["server.command"] == nil { overrides.append("server.command=php") }
        let loaded = try loader.load(path: "\(Corpus.folder)/\(entry.name)", overrides: overrides)
        var keys: [String: String] = [:]
        for leaf in loaded.effective.leaves where leaf.path != "version" {
            guard case .file = leaf.origin else { continue }
            let text = leaf.values.map(\.text).joined(separator: " ")
            keys[leaf.path] = text.replacing("\r\n", with: "\\r\\n").replacing("\n", with: "\\n")
        }
        #expect(keys == entry.keys)
    }

    @Test(arguments: CorpusTable.entries.filter { $0.outcome == "loads" })
    func renderingLoadsAgain(_ entry: CorpusTable.Entry) throws {
        let loaded = try loader.load(path: "\(Corpus.folder)/\(entry.name)")
        #expect(try load(loaded.yaml()).settings == loaded.settings)
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(loaded.json().utf8)) }
    }

    /// Three servers, and variables that may be set or not.
    @Test func variables() throws {
        let loaded = try loader.load(path: "\(Corpus.folder)/tcp-variables-unset.yaml")
        #expect(loaded.settings.tcp.servers.map(\.name) == ["dump", "log", "mail"])
        #expect(loaded.settings.tcp.servers.map(\.delimiter) == [[10], [10], [13, 10]])
        #expect(loaded.settings.tcp.pool.numWorkers == 4)
        #expect(loaded.warnings.map(\.line) == [4, 11])
        let environment = ["CORPUS_WORKERS": "2", "CORPUS_LEVEL": "error"]
        let set = try ConfigurationLoader(environment: EnvironmentVariables(environment), processorCount: 4)
            .load(path: loaded.file)
        #expect(set.settings.tcp.pool.numWorkers == 2)
        #expect(set.settings.logs.all.level == .error)
        #expect(set.warnings.isEmpty)
    }
}
