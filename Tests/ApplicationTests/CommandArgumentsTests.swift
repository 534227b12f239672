import Testing

@testable import Application

@Suite struct CommandArgumentsTests {
    struct Case: CustomTestStringConvertible {
        var given: String
        var means: String

        var testDescription: String { self.given }
    }

    private func words(_ text: String) -> [String] {
        text.split(separator: " ").map(String.init)
    }

    @Test(
        "RoadRunner's ways to write a command",
        arguments: [
            Case(given: "", means: ""),
            Case(given: "serve", means: "serve"),
            Case(given: "-c .rr.yaml -w /app serve", means: "serve --config=.rr.yaml --WorkDir=/app"),
            Case(given: "serve -c .rr.yaml -w /app", means: "serve --config=.rr.yaml --WorkDir=/app"),
            Case(given: "--config .rr.yaml serve", means: "serve --config=.rr.yaml"),
            Case(given: "--config=.rr.yaml --workdir=/app serve", means: "serve --config=.rr.yaml --WorkDir=/app"),
            Case(
                given: "-c.rr.yaml serve -otcp.pool.num_workers=8",
                means: "serve --config=.rr.yaml --override=tcp.pool.num_workers=8"),
            Case(given: "-c=.rr.yaml -o=a.b=c=d serve", means: "serve --config=.rr.yaml --override=a.b=c=d"),
            Case(given: "-o a=1 serve -o b=2", means: "serve --override=a=1 --override=b=2"),
            Case(given: "-d -e -s -p serve", means: "serve --debug --enable-experimental --silent --pid"),
            Case(given: "serve -ps", means: "serve --pid --silent"),
            Case(given: "-pdc x serve", means: "serve --pid --debug --config=x"),
            Case(given: "-psc=x serve", means: "serve --pid --silent --config=x"),
            Case(given: "serve -pdcx", means: "serve --pid --debug --config=x"),
            Case(given: "serve -p=false -s=true --debug=1 --pid=F", means: "serve --silent --debug"),
            Case(given: "--dotenv .env serve", means: "serve --dotenv=.env"),
            // A value is a value, whatever it begins with.
            Case(given: "serve -c -x -o -a=b --dotenv --", means: "serve --config=-x --override=-a=b --dotenv=--"),
            Case(given: "-c serve serve", means: "serve --config=serve"),
            // A command accepts options that it does not need, as in RoadRunner.
            Case(given: "-c x -s -o a=b --dotenv y version", means: "version"),
            Case(given: "-c x -o a=b -d stop -f -t 5", means: "stop --config=x --force --timeout=5"),
            Case(given: "-f stop", means: "stop --force"),
            Case(given: "-c x -w y -s reload", means: "reload --config=x --WorkDir=y --silent"),
            Case(given: "-s check --explain", means: "check --explain"),
            Case(given: "-c x reset tcp", means: "reset --config=x tcp"),
            Case(given: "-c x -v", means: "-v"),
            Case(given: "--help serve", means: "serve --help"),
            Case(given: "-c x", means: ""),
            Case(given: "completion bash", means: "completion bash"),
            Case(given: "health --if-configured -c x", means: "health --if-configured --config=x"),
            Case(given: "run-as 1 2 -- php -c x -d y", means: "run-as 1 2 -- php -c x -d y"),
            // Invalid arguments stay invalid: the parser reports them.
            Case(given: "serve -o", means: "serve -o"),
            Case(given: "serve -pc", means: "serve --pid -c"),
            Case(given: "-o", means: "-o"),
            Case(given: "serve --config", means: "serve --config"),
            Case(given: "serve -px --bogus=1 -", means: "serve -px --bogus=1 -"),
            Case(given: "serve -t 5", means: "serve --timeout=5"),
            Case(given: "serve --pid=maybe -s=", means: "serve --pid=maybe --silent="),
            Case(given: "serve extra -c x", means: "serve extra --config=x"),
        ]
    )
    func canonical(each: Case) {
        #expect(CommandArguments.canonical(self.words(each.given)) == self.words(each.means))
    }

    @Test("What is canonical stays as it is, and empty values are kept")
    func again() {
        let canonical = CommandArguments.canonical(["-c", "", "-pso", "a b=-c ", "serve", "-w="])
        #expect(canonical == ["serve", "--config", "", "--pid", "--silent", "--override=a b=-c ", "--WorkDir", ""])
        #expect(CommandArguments.canonical(canonical) == canonical)
    }
}
