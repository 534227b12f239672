import Testing
import YAML

/// Mutated texts: any outcome is fine, as long as there is one.
@Suite struct YAMLFuzzTests {
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
        var random = Random(state: 42)
        for _ in 0..<5000 {
            var bytes = Array(Self.seed.utf8)
            for _ in 0...Int.random(in: 0..<6, using: &random) { Random.mutate(&bytes, using: &random) }
            guard let node = try? YAMLParser().parse(bytes) else { continue }
            _ = node
        }
    }
}

/// A generator with a seed, so that a failure comes back.
struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }

    static func mutate(_ bytes: inout [UInt8], using random: inout Random) {
        let special = Array("{}[]:,&*!|>'\"%@`#-?<=\n\t \\$~.0\u{0}".utf8) + [0xFF, 0xC3, 0xEF, 0xBB, 0xBF]
        guard !bytes.isEmpty else { return bytes.append(contentsOf: special.prefix(3)) }
        let index = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[index] = special.randomElement(using: &random) ?? 0
        case 2: bytes.remove(at: index)
        default: bytes.insert(contentsOf: bytes[index...].prefix(8), at: index)
        }
    }
}
