import Foundation
import Testing
import Text

@Suite struct Base64Tests {
    @Test func agreesWithFoundation() {
        for count in 0...40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            let text = Base64.encode(bytes)
            #expect(text == Data(bytes).base64EncodedString())
            #expect(Base64.decode(text) == bytes)
        }
    }

    @Test func whiteSpaceDoesNotMatter() {
        #expect(Base64.decode(" /w\n A= ") == [0xFF, 0])
    }

    @Test(arguments: ["A", "AB", "ABC", "A===", "=AAA", "AB=C", "A*==", "AAAA====", "é"])
    func refusesWhatIsNone(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
