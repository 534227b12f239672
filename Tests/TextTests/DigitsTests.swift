import Testing
import Text

@Suite struct DigitsTests {
    @Test(arguments: [(0, 2, "00"), (7, 2, "07"), (59, 2, "59"), (2026, 2, "2026"), (31, 4, "0031")])
    func aNumberHasAtLeastSoManyDigits(_ number: Int, _ count: Int, _ text: String) {
        #expect(number.digits(count) == text)
    }

    @Test func aByteHasTwoHexadecimalDigits() {
        #expect([0, 10, 127, 255].map(\UInt8.hexadecimal) == ["00", "0a", "7f", "ff"])
        #expect([UInt8(0), 10, 255].spacedHexadecimal == "00 0a ff" && [UInt8]().spacedHexadecimal == "")
    }

    @Test func aFractionIsBelowOne() {
        #expect([0, UInt64(1) << 63, .max].map(\.unitFraction).map { $0 < 1 } == [true, true, true])
        #expect(UInt64(0).unitFraction == 0 && (UInt64(1) << 63).unitFraction == 0.5)
    }
}
