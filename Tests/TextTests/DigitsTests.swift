import Testing
import Text

@Suite struct DigitsTests {
    @Test(arguments: [(0, 2, "00"), (7, 2, "07"), (59, 2, "59"), (2026, 2, "2026"), (31, 4, "0031")])
    func aNumberHasAtLeastSoManyDigits(_ number: Int, _ count: Int, _ text: String) {
        #expect(number.digits(count) == text)
    }

    @Test func aByteHasTwoHexadecimalDigits() {
        #expect([0, 10, 127, 255].map(\UInt8.hexadecimal) == ["00", "0a", "7f", "ff"])
    }
}
