import KeyValue
import Testing

@Suite struct StoredIntegerTests {
    @Test(arguments: [0, 1, -1, 10, 907, .max, .min, .max - 1, .min + 1] as [Int64])
    func whatIsWrittenIsRead(number: Int64) {
        #expect(StoredInteger.parse(StoredInteger.text(number).utf8) == number)
    }

    @Test(arguments: [
        "", "-", "+1", "01", "-0", "-01", "00", " 1", "1 ", "1.0", "0x1", "i:1;", "9223372036854775808",
        "-9223372036854775809", "99999999999999999999", "1e3", "--1",
    ])
    func otherTextIsNoNumber(text: String) {
        #expect(StoredInteger.parse(text.utf8) == nil)
    }
}
