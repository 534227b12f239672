import Configuration
import Testing

@testable import Application

@Suite struct IncludeTests {
    @Test func theIncludingFileWins() throws {
        let sandbox = try Sandbox([
            "rr.yaml": """
            version: '3'
            include: [one.yaml, two.yaml]
            server: {command: php mine.php, env: {B: mine}}
            tcp: {servers: {a: {addr: ':1'}}}
            """,
            "one.yaml": """
            version: '3'
            server: {command: php one.php, user: one, env: {A: one, B: one}}
            tcp: {servers: {b: {addr: ':2'}}, pool: {num_workers: 7, max_jobs: 7}}
            """,
            "two.yaml": "version: '3'\ntcp: {pool: {max_jobs: 8}}\nrpc: {listen: 'tcp://x:6001'}\n",
        ])
        let loaded = try sandbox.load()
        let settings = loaded.settings
        #expect(settings.server.command == ["php", "mine.php"])
        #expect(settings.server.user == "one")
        #expect(settings.server.environment.map { "\($0.name)=\($0.value)" } == ["A=one", "B=mine"])
        #expect(settings.tcp.servers.map(\.name) == ["a", "b"])
        #expect(settings.tcp.pool.numWorkers == 7)
        #expect(settings.tcp.pool.maxJobs == 8)
        #expect(settings.rpc?.listen == "tcp://x:6001")
        #expect(loaded.origin("server.command") == .file(file: sandbox.path("rr.yaml"), line: 3))
        #expect(loaded.origin("tcp.pool.num_workers") == .include(file: sandbox.path("one.yaml"), line: 3))
        #expect(loaded.origin("tcp.pool.max_jobs") == .include(file: sandbox.path("two.yaml"), line: 2))
        #expect(loaded.origin("tcp.pool.debug") == .defaultValue)
    }

    @Test func listsOfVariablesMergeByName() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "include: one.yaml\n",
            "one.yaml": "version: '3'\nserver: {env: [{A: 1}, {B: 2}]}\n",
        ])
        #expect(try sandbox.load().settings.server.environment.map(\.name) == ["A", "B"])
    }

    @Test func aNullDoesNotWin() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "include: one.yaml\nrpc: ~\n",
            "one.yaml": "version: '3'\nrpc: {listen: 'tcp://x:6001'}\n",
        ])
        #expect(try sandbox.load().settings.rpc?.listen == "tcp://x:6001")
    }

    @Test func includesMayIncludeAndSplitOnCommas() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "include: 'sub/one.yaml, ${NAME:-three}.yaml'\n",
            "sub/one.yaml": "version: '3'\ninclude: two.yaml\ntcp: {pool: {max_jobs: 1}}\n",
            "sub/two.yaml": "version: '3'\ntcp: {pool: {max_jobs: 2, num_workers: 2}}\n",
            "three.yaml": "version: '3'\nlogs: {level: error}\n",
        ])
        let settings = try sandbox.load().settings
        #expect(settings.tcp.pool.maxJobs == 1)
        #expect(settings.tcp.pool.numWorkers == 2)
        #expect(settings.logs.all.level == .error)
    }

    @Test func theWorkDirectoryComesFirst() throws {
        let sandbox = try Sandbox([
            "conf/rr.yaml": minimal + "include: one.yaml\n",
            "conf/one.yaml": "version: '3'\ntcp: {pool: {max_jobs: 1}}\n",
            "one.yaml": "version: '3'\ntcp: {pool: {max_jobs: 2}}\n",
        ])
        #expect(try sandbox.load("conf/rr.yaml").settings.tcp.pool.maxJobs == 1)
        #expect(try sandbox.load("conf/rr.yaml", workDirectory: sandbox.folder).settings.tcp.pool.maxJobs == 2)
    }

    @Test func oneFileMayBeIncludedTwiceButNotInItself() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "include: [a.yaml, b.yaml]\n", "a.yaml": "version: '3'\ninclude: c.yaml\n",
            "b.yaml": "version: '3'\ninclude: c.yaml\n", "c.yaml": "version: '3'\nlogs: {level: info}\n",
            "loop.yaml": minimal + "include: d.yaml\n", "d.yaml": "version: '3'\n\ninclude:\n  - ./loop.yaml\n",
            "self.yaml": minimal + "include: self.yaml\n",
        ])
        #expect(try sandbox.load().settings.logs.all.level == .info)
        let loop = try failure { () throws(ConfigurationError) in try sandbox.load("loop.yaml") }
        #expect(loop.code == .includeCycle)
        #expect(loop.file == sandbox.path("d.yaml"))
        #expect(loop.line == 4 || loop.line == 3)
        let one = try failure { () throws(ConfigurationError) in try sandbox.load("self.yaml") }
        #expect(one.code == .includeCycle)
    }

    @Test func includesThatDoubleEachTimeAreBounded() throws {
        let sandbox = try Sandbox(["rr.yaml": minimal + "include: [i0.yaml, i0.yaml]\n"])
        for level in 0..<14 {
            try sandbox.write("i\(level).yaml", "version: '3'\ninclude: [i\(level + 1).yaml, i\(level + 1).yaml]\n")
        }
        try sandbox.write("i14.yaml", "version: '3'\n")
        let error = try failure { () throws(ConfigurationError) in try sandbox.load() }
        #expect(error.code == .includeCycle)
    }

    @Test func faultsNameTheirFile() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "include: one.yaml\n", "missing.yaml": minimal + "include:\n  - none.yaml\n",
            "one.yaml": "version: '3'\ntcp:\n  pool: {num_workers: many}\n",
        ])
        let error = try failure { () throws(ConfigurationError) in try sandbox.load() }
        #expect(error.file == sandbox.path("one.yaml"))
        #expect((error.line, error.column) == (3, 23))
        let missing = try failure { () throws(ConfigurationError) in try sandbox.load("missing.yaml") }
        #expect(missing.code == .unreadableFile)
        #expect(missing.file == sandbox.path("missing.yaml"))
        #expect(missing.key == "include")
    }

    @Test func theVersionsMustAgree() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "include: ${FILE}\n", "other.yaml": "version: '2.7'\n", "none.yaml": "logs: {}\n",
        ])
        let other = try failure { () throws(ConfigurationError) in try sandbox.load(environment: ["FILE": "other.yaml"])
        }
        #expect(other.code == .invalidVersion)
        #expect(other.message == "version in included file must be the same as in root")
        #expect(other.file == sandbox.path("other.yaml"))
        let none = try failure { () throws(ConfigurationError) in try sandbox.load(environment: ["FILE": "none.yaml"]) }
        #expect(none.code == .invalidVersion)
    }

    @Test func anOverrideMayInclude() throws {
        let sandbox = try Sandbox(["rr.yaml": minimal, "one.yaml": "version: '3'\nlogs: {level: warn}\n"])
        #expect(try sandbox.load(overrides: ["include=one.yaml"]).settings.logs.all.level == .warn)
    }
}
