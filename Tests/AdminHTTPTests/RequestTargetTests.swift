import Testing

@testable import AdminHTTP

@Suite struct RequestTargetTests {
    @Test(
        arguments: [
            ("/health", "/health", []),
            ("/ready?plugin=tcp", "/ready", ["tcp"]),
            ("/ready?plugin=tcp&plugin=http&x=1&plugin=", "/ready", ["tcp", "http", ""]),
            ("/ready?plugin=t%63p", "/ready", ["tcp"]),
            ("/ready?plugin=%zz%", "/ready", ["%zz%"]),
            ("/ready?plugin=a+b%2Bc", "/ready", ["a b+c"]),
            ("/ready?plugin", "/ready", []),
            ("/ready?&&==&plugin==", "/ready", ["="]),
            ("/a?b?plugin=tcp#x?plugin=no", "/a", []),
            ("", "", []),
            ("?", "", []),
            ("/?plugin=%ff%FE", "/", ["\u{FFFD}\u{FFFD}"]),
        ] as [(String, String, [String])])
    func targets(target: String, path: String, plugins: [String]) {
        #expect(RequestTarget(target).path == path)
        #expect(RequestTarget(target).plugins == plugins)
    }

    @Test func anythingAtAllIsTaken() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...40)).map { _ in
                "/?&=%#plugin1f\u{0}ü".utf8.randomElement(using: &generator) ?? 0
            }
            _ = RequestTarget(String(decoding: bytes, as: UTF8.self))
        }
    }
}
