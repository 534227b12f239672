import Configuration
import Foundation
import Testing

@testable import Application

/// The real configurations that lie beside the repository, where they are there: none of them is part of it.
private enum Corpus {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("shared/configs").path

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
}

@Suite(.enabled(if: !Corpus.names.isEmpty, "shared/configs is not here"))
struct CorpusTests {
    private let loader = ConfigurationLoader(environment: [:], processorCount: 4)

    @Test func theTableIsComplete() {
        #expect(CorpusTable.entries.map(\.name).sorted() == Corpus.names)
        #expect(Corpus.names.count == 131)
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

    /// Buggregator before its plugins: three servers, variables that are not set.
    @Test func buggregator() throws {
        let loaded = try loader.load(path: "\(Corpus.folder)/buggregator-1.1.1-rr-prod.yaml")
        #expect(loaded.settings.tcp.servers.map(\.name) == ["monolog", "smtp", "var-dumper"])
        #expect(loaded.settings.tcp.servers.map(\.delimiter) == [[10], [13, 10], [10]])
        #expect(loaded.settings.tcp.pool.numWorkers == 4)
        #expect(loaded.warnings.map(\.line) == [11, 13, 38, 40, 48, 60])
        let environment = ["RR_TCP_NUM_WORKERS": "2", "RR_LOG_LEVEL": "error"]
        let set = try ConfigurationLoader(environment: EnvironmentVariables(environment), processorCount: 4)
            .load(path: loaded.file)
        #expect(set.settings.tcp.pool.numWorkers == 2)
        #expect(set.settings.logs.all.level == .error)
    }
}
