import TestSupport
import Testing
import YAML

/// Mutated texts: any outcome is fine, as long as there is one.
@Suite struct YAMLFuzzTests {
    /// Fragments that are significant to the parser.
    private static let special =
        Array("{}[]:,&*!|>'\"%@`#-?<=\n\t \\$~.0\u{0}".utf8) + [0xFF, 0xC3, 0xEF, 0xBB, 0xBF]

    private static let seed = """
        a: &x {k: 1, <<: {m: 2}}
        b: [*x, 'q', "d\\n", |
          block
          ]
        ? c
        : !!binary /wA=
        <<: *x
        """

    @Test func mutationsEnd() {
        var random = SeededGenerator(seed: 42)
        for _ in 0..<5000 {
            var bytes = Array(Self.seed.utf8)
            for _ in 0...Int.random(in: 0..<6, using: &random) { random.mutate(&bytes, special: Self.special) }
            guard let node = try? YAMLParser().parse(bytes) else { continue }
            _ = node
        }
    }
}
