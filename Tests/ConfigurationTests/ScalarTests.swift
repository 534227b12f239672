import Configuration
import Testing

@testable import Application

@Suite struct ScalarTests {
    @Test(arguments: [
        ("4", 4), ("'4'", 4), ("\"4\"", 4), ("0x10", 16), ("'0x10'", 16), ("010", 8), ("0o10", 8), ("0b11", 3),
        ("1_0", 10), ("5.0", 5), ("' 6 '", 6), ("+7", 7), ("1e2", 100),
    ])
    func wholeNumbersConvertWeakly(text: String, number: Int) throws {
        #expect(try loadPool("num_workers: \(text)").0.numWorkers == number)
    }

    @Test(arguments: ["abc", "1.5", "[]", "{}", "true", "'1 2'", ".nan", ".inf", "!!binary aaaa"])
    func whatIsNoWholeNumberIsRefused(_ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try loadPool("num_workers: \(text)") }
        #expect(error?.code == .invalidValue)
        #expect(error?.key == "tcp.pool.num_workers")
        #expect(error?.line == 5)
        #expect(error?.column == 23)
    }

    @Test(arguments: ["501", "-1", "99999999999999999999", "9223372036854775808", "1e300", "'99999999999999999999'"])
    func numbersOutOfRangeAreRefused(_ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try loadPool("num_workers: \(text)") }
        #expect(error?.code == .outOfRange)
    }

    @Test func theCountOfWorkersHasItsBounds() throws {
        #expect(try loadPool("num_workers: 500").0.numWorkers == 500)
        #expect(try loadPool("num_workers: 0").0.numWorkers == 4)
        #expect(try load(minimal, processorCount: 0).settings.tcp.pool.numWorkers == 1)
        #expect(try load(minimal, processorCount: 9999).settings.tcp.pool.numWorkers == 500)
    }

    @Test func anEmptyNumberIsAbsentWithAWarning() throws {
        let (pool, loaded) = try loadPool("num_workers: '', max_jobs: ~")
        #expect(pool.numWorkers == 4)
        #expect(loaded.warnings("tcp.pool.num_workers").count == 1)
        #expect(loaded.warnings("tcp.pool.max_jobs").isEmpty)
    }

    @Test(arguments: [
        ("true", true), ("'true'", true), ("1", true), ("'1'", true), ("T", true), ("yes", true), ("On", true),
        ("false", false), ("0", false), ("'f'", false), ("no", false), ("OFF", false), ("''", false),
    ])
    func booleansConvertWeakly(text: String, flag: Bool) throws {
        #expect(try loadPool("debug: \(text)").0.debug == flag)
    }

    @Test func whatIsNoBooleanIsRefused() throws {
        let error = #expect(throws: ConfigurationError.self) { try loadPool("debug: maybe") }
        #expect(error?.code == .invalidValue)
        #expect(error?.description.contains("`maybe` is neither true nor false") == true)
    }

    @Test func listsSplitOnCommas() throws {
        let logs = try load(minimal + "logs: {output: 'stdout, a.log,', err_output: [stderr, 5]}\n").settings.logs.all
        #expect(logs.output == ["stdout", "a.log"])
        #expect(logs.errorOutput == ["stderr", "5"])
    }

    @Test func variablesOfWorkersReadAsRoadRunnerReadsThem() throws {
        let text = """
            version: '3'
            server:
              command: php
              env: {a: true, b: no, c: 010, d: 1.50, e: , F_g: '007', h: x y}
            tcp: {servers: {main: {addr: ':7777'}}}
            """
        let environment = try load(text).settings.server.environment
        #expect(environment.map(\.name) == ["A", "B", "C", "D", "E", "F_G", "H"])
        #expect(environment.map(\.value) == ["1", "no", "8", "1.5", "", "007", "x y"])
    }

    @Test func variablesMayBeAListOfMappings() throws {
        let text = """
            version: '3'
            server:
              command: php
              env: [{A: 1}, {b: 2, C: 3}, {a: 4}]
            tcp: {servers: {main: {addr: ':7777'}}}
            """
        let environment = try load(text).settings.server.environment
        #expect(environment.map { "\($0.name)=\($0.value)" } == ["A=4", "B=2", "C=3"])
    }

    @Test(arguments: ["env: [a, b]", "env: text", "env: {a: [1]}", "env: {'a=b': 1}", "env: {a: \"\\0\"}"])
    func otherVariablesAreRefused(_ keys: String) throws {
        let error = try failure(
            "version: '3'\nserver: {command: php, \(keys)}\ntcp: {servers: {main: {addr: ':7777'}}}\n"
        )
        #expect(error.code == .invalidValue)
        #expect(error.key?.hasPrefix("server.env") == true)
        #expect(error.line == 2)
    }
}
