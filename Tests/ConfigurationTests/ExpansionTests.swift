import Addresses
import Testing

@testable import Application
@testable import Configuration

@Suite struct ExpansionTests {
    let expander = VariableExpander(variables: ["A": "one", "B_2": "two", "EMPTY": "", "NESTED": "${A}", "_": "under"])

    @Test(arguments: [
        ("$A", "one"), ("${A}", "one"), ("x${A}y$B_2", "xoneytwo"), ("${A}${B_2}$A", "onetwoone"), ("${NONE}", ""),
        ("a$NONE", "a"), ("${NONE:-d}", "d"), ("${EMPTY:-d}", "d"), ("${A:-d}", "one"), ("${A}-${NONE:-x}", "one-x"),
        ("${NONE:-}", ""), ("${NONE:-:9913}", ":9913"), ("${NONE:-a:-b}", "a:-b"), ("${NONE:-${A}}", "one"),
        ("${NONE:-${NO:-$A}}!", "one!"), ("$$", "$"), ("$$A", "$A"), ("$${A}", "${A}"), ("a$", "a$"), ("$", "$"),
        ("$1", "$1"), ("$ A", "$ A"), ("$?", "$?"), ("$A.b", "one.b"), ("$A-b", "one-b"), ("$_", "under"),
        ("${NESTED}", "${A}"), ("${A:error}", ""), ("${}", ""), ("${1}", ""), ("${A", "${A"), ("${ A }", ""),
        ("${NONE:-{}}", "{}"), ("${RR:-*}", "*"), ("é$A", "éone"), ("${NONE:-é}", "é"),
    ])
    func expands(text: String, result: String) {
        #expect(expander.expand(text)?.text == result)
    }

    @Test func textWithoutADollarIsLeftAlone() {
        #expect(expander.expand("plain") == nil)
    }

    @Test func namesWhatIsUnset() {
        #expect(expander.expand("$A${X}$Y${X}$EMPTY${Z:-z}")?.unset == ["X", "Y", "EMPTY"])
        #expect(expander.expand("${A:error}${B")?.malformed == ["${A:error}", "${"])
    }

    @Test func growthIsBounded() {
        let big = VariableExpander(variables: ["BIG": ByteText(String(repeating: "x", count: 100_000))])
        let result = big.expand(String(repeating: "$BIG", count: 1000))
        #expect(result?.isTooLong == true)
        #expect((result?.text.utf8.count ?? 0) < 2_000_000)
    }

    @Test func hostileTextsEnd() {
        for piece in ["${", "${A:-", "$", "${}", "${X", "$A", "}"] {
            #expect(expander.expand(String(repeating: piece, count: 50_000) + "$") != nil)
        }
    }

    @Test func valuesExpandAndConvert() throws {
        let text = """
            version: "${V:-3}"
            server: {command: "php ${SCRIPT} $ARG", env: {URL: "${HOST:-localhost}:${PORT}"}}
            tcp:
              servers: {main: {addr: "${ADDR:-:9913}"}}
              pool: {num_workers: $N, debug: "${D}", allocate_timeout: "${T}s"}
            """
        let environment = ["SCRIPT": "a.php", "ARG": "b", "PORT": "80", "N": "3", "D": "true", "T": "5"]
        let loaded = try load(text, environment: environment)
        let settings = loaded.settings
        #expect(loaded.version == "3")
        #expect(settings.server.command == ["php", "a.php", "b"])
        #expect(settings.server.environment == [EnvironmentEntry(name: "URL", value: "localhost:80")])
        #expect(settings.tcp.servers.first?.address == .tcp(host: "", port: 9913))
        #expect(settings.tcp.pool.numWorkers == 3)
        #expect(settings.tcp.pool.debug)
        #expect(settings.tcp.pool.allocateTimeout == .seconds(5))
    }

    @Test func anUnsetVariableLeavesTheDefaultAndIsNamed() throws {
        let (pool, loaded) = try loadPool("num_workers: $NOBODY")
        #expect(pool.numWorkers == 4)
        #expect(loaded.warnings("tcp.pool.num_workers").first?.contains("`NOBODY`") == true)
        #expect(loaded.origin("tcp.pool.num_workers") == .derived(.defaultValue, "one for each CPU"))
    }

    @Test func aMalformedReferenceIsReported() throws {
        let loaded = try load(minimal + "logs: {level: '${L:error}'}\nhttp: {a: '${L:x}'}\n")
        #expect(loaded.settings.logs.all.level == .debug)
        #expect(loaded.warnings("logs.level").first?.contains("`${L:error}` is no variable") == true)
        #expect(loaded.warnings("http.a").isEmpty)
    }

    @Test func keysAreNotExpanded() throws {
        #expect(try load(minimal + "$A: 1\n", environment: ["A": "logs"]).warnings("$a").count == 1)
    }

    @Test func aRunawayValueIsRefused() throws {
        let text = minimal + "rpc: {listen: '\(String(repeating: "$BIG", count: 100))'}\n"
        let error = try failure(text, environment: ["BIG": String(repeating: "x", count: 100_000)])
        #expect(error.key == "rpc.listen")
        #expect(error.line == 5)
    }
}
