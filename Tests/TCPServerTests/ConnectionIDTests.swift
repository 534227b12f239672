import Foundation
import Testing

@testable import TCPServer

@Suite struct ConnectionIDTests {
    @Test func theyAreVersionFourInLowerCase() {
        var generator = ConnectionIDGenerator(loopIndex: 0x155)
        for _ in 0..<1000 {
            let text = generator.next().description
            let groups = text.split(separator: "-", omittingEmptySubsequences: false)
            #expect(groups.map(\.count) == [8, 4, 4, 4, 12])
            #expect(text.allSatisfy { "0123456789abcdef-".contains($0) })
            #expect(groups[2].first == "4")
            #expect(groups[3].first.map { "89ab".contains($0) } == true)
            #expect(UUID(uuidString: text) != nil)
        }
    }

    @Test func noTwoAreTheSame() {
        var generator = ConnectionIDGenerator(loopIndex: 0x155)
        #expect(Set((0..<10_000).map { _ in generator.next() }).count == 10_000)
    }

    @Test func everyBitIsRandomButForTheLoops() {
        var generator = ConnectionIDGenerator(loopIndex: 0x155)
        var digits = Array(repeating: Set<UInt8>(), count: 36)
        for _ in 0..<2000 {
            for (position, digit) in generator.next().description.utf8.enumerated() {
                digits[position].insert(digit)
            }
        }
        for position in digits.indices {
            let expected =
                switch position {
                case 8, 13, 18, 23, 14: 1
                case 19, 33: 4
                case 34, 35: 1
                default: 16
                }
            #expect(digits[position].count == expected, "digit \(position)")
        }
    }

    @Test func aTextIsReadBackInEitherCase() {
        var generator = ConnectionIDGenerator(loopIndex: 1023)
        for _ in 0..<100 {
            let id = generator.next()
            #expect(id.loopIndex == 1023)
            #expect(ConnectionID(id.description) == id)
            #expect(ConnectionID(id.description.uppercased()) == id)
        }
    }

    @Test(arguments: [
        "", "x", "0b5e9d3c-2a1f-4c6d-8e7f-0123456789a", "0b5e9d3c-2a1f-4c6d-8e7f-0123456789abc",
        "0b5e9d3c02a1f-4c6d-8e7f-0123456789ab", "0b5e9d3c-2a1f-4c6d-8e7f-0123456789ag",
        "0b5e9d3-c2a1f-4c6d-8e7f-0123456789ab", "{b5e9d3c-2a1f-4c6d-8e7f-0123456789a}",
        "0b5e9d3c-2a1f-4c6d-8e7f-0123456789é",
    ])
    func anotherTextIsNone(_ text: String) {
        #expect(ConnectionID(text) == nil)
    }
}
