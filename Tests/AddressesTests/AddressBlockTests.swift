import Testing

@testable import Addresses

@Suite struct AddressBlockTests {
    @Test(arguments: [
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["9.255.255.255", "11.0.0.0", "::a00:1"]),
        ("192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8", "::1"]),
        ("192.0.2.6/31", ["192.0.2.6", "192.0.2.7"], ["192.0.2.5", "192.0.2.8"]),
        ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "2001:db8::1"]),
        ("::/0", ["::", "::1", "ffff::"], ["0.0.0.0", "10.0.0.1"]),
        ("2001:db8::/32", ["2001:db8::1", "2001:db8:ffff::"], ["2001:db9::", "10.0.0.1"]),
        ("2001:db8::/64", ["2001:db8::ffff:ffff:ffff:ffff"], ["2001:db8:0:1::"]),
        ("2001:db8::/65", ["2001:db8::7fff:0:0:0"], ["2001:db8::8000:0:0:0"]),
        ("::1", ["::1"], ["::2", "0.0.0.1"]),
        ("::ffff:10.0.0.0/104", ["10.1.1.1"], ["11.0.0.0", "::1"]),
        ("::/64", ["::1"], ["10.0.0.1"]),
    ])
    func aBlockContains(_ text: String, inside: [String], outside: [String]) throws {
        let block = try AddressBlock(text)
        for address in inside {
            #expect(block.contains(try #require(IPAddress(address))), "\(address)")
        }
        for address in outside {
            #expect(!block.contains(try #require(IPAddress(address))), "\(address)")
        }
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8"), ("192.0.2.7", "192.0.2.7"), ("192.0.2.7/32", "192.0.2.7"),
        ("2001:DB8:0::/32", "2001:db8::/32"), ("::1/128", "::1"), ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"),
    ])
    func aBlockIsWrittenInOneWay(_ text: String, canonical: String) throws {
        let block = try AddressBlock(text)
        #expect("\(block)" == canonical)
        #expect(try AddressBlock(canonical) == block)
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0/8", "::/129",
        "fe80::1%lo", "[::1]", "localhost", "10.0.0.1\u{0}", "10.0.0.0/99999999999999999999", "010.0.0.1", " 10.0.0.1",
        "10.0.0.0/\u{663}",
    ])
    func othersAreRefused(_ text: String) {
        #expect(throws: AddressBlock.Fault.self) { try AddressBlock(text) }
    }

    @Test func bitsBehindThePrefixAreAFault() throws {
        #expect(
            throws: AddressBlock.Fault(
                message: "`10.0.0.7/8` has bits set behind its prefix",
                fix: "use 10.0.0.0/8 for the block, or 10.0.0.7 for the address")
        ) { try AddressBlock("10.0.0.7/8") }
    }

    @Test func anAddressIsReadFromBytes() throws {
        #expect(IPAddress(bytes: [192, 0, 2, 7]) == IPAddress("192.0.2.7"))
        #expect(IPAddress(bytes: [0x20, 1] + Array(repeating: 0, count: 13) + [9]) == IPAddress("2001::9"))
        #expect(IPAddress(bytes: [1, 2, 3]) == nil)
        #expect(IPAddress("::ffff:192.0.2.7")?.isIPv4 == true)
        #expect(IPAddress("::ffff:192.0.2.7")?.description == "192.0.2.7")
        #expect(IPAddress("2001:db8:1:2:3::")?.prefix(64) == IPAddress("2001:db8:1:2::"))
    }
}
