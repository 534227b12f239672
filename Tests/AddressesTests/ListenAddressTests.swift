import Testing

@testable import Addresses

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:7777", ListenAddress.tcp(host: "127.0.0.1", port: 7777)), (":7777", .tcp(host: "", port: 7777)),
        ("tcp://0.0.0.0:1", .tcp(host: "0.0.0.0", port: 1)), ("tcp://:0", .tcp(host: "", port: 0)),
        ("[::1]:7777", .tcp(host: "::1", port: 7777)), ("tcp://[::]:65535", .tcp(host: "::", port: 65535)),
        ("[fe80::1%eth0]:1", .tcp(host: "fe80::1%eth0", port: 1)), ("localhost:80", .tcp(host: "localhost", port: 80)),
        ("my-host_1.example:80", .tcp(host: "my-host_1.example", port: 80)),
        ("unix:///run/rr.sock", .unix(path: "/run/rr.sock")),
        ("unix://rr.sock", .unix(path: "rr.sock")),
    ])
    func readsAddresses(text: String, address: ListenAddress) throws {
        #expect(try ListenAddress(parsing: text) == address)
        #expect(try ListenAddress(parsing: address.description) == address)
    }

    @Test(arguments: [
        "udp://1:2", "TCP://:1", "://:1", "7777", "localhost", "localhost:", "a:b", "1:2:3", "::1:80", "[::1]",
        "[::1]80",
        "[1.2.3.4]:1", "[]:1", "[::x y]:1", "a b:1", "*:1", "host/:1", "tcp://unix://x:1", ":-1", ":+1", ": 1",
        ":\u{0661}",
    ])
    func refusesOthers(_ text: String) throws {
        let error = #expect(throws: ListenAddress.Fault.self) { try ListenAddress(parsing: text) }
        #expect(error?.message.hasPrefix("invalid Protocol") == true)
        #expect(error?.isOutOfRange == false)
    }

    @Test(arguments: [":65536", "a:99999999999999999999"])
    func portsHaveARange(_ text: String) throws {
        let error = #expect(throws: ListenAddress.Fault.self) { try ListenAddress(parsing: text) }
        #expect(error?.isOutOfRange == true)
    }

    @Test func pathsOfSocketsHaveABound() throws {
        #expect(throws: ListenAddress.Fault.self) { try ListenAddress(parsing: "unix://") }
        #expect(throws: ListenAddress.Fault.self) {
            try ListenAddress(parsing: "unix://" + String(repeating: "x", count: 108))
        }
        #expect(
            try ListenAddress(parsing: "unix://" + String(repeating: "x", count: 107)).description.utf8.count == 114)
    }

    @Test(arguments: [
        (":7777", ":7777", true), (":7777", "0.0.0.0:7777", true), (":7777", "127.0.0.1:7777", true),
        (":7777", "[::1]:7777", true), ("0.0.0.0:7777", "127.0.0.1:7777", true), ("0.0.0.0:7777", "[::1]:7777", false),
        ("[::]:7777", "0.0.0.0:7777", true), ("[::]:7777", "127.0.0.1:7777", true), ("[::]:1", "[::1]:1", true),
        ("127.0.0.1:7777", "127.0.0.2:7777", false), ("127.0.0.1:7777", "LOCALHOST:7777", true),
        (":7777", ":7778", false), (":0", ":0", false), ("unix://a", "unix://a", true), ("unix://a", "unix://b", false),
        ("unix://a", ":1", false), ("[::1]:7", "[0:0:0:0:0:0:0:1]:7", true), ("[0::0]:7", "127.0.0.1:7", true),
        ("[2001:DB8::1]:7", "[2001:db8:0::1]:7", true), ("[::1]:7", "[::2]:7", false),
    ])
    func overlap(one: String, two: String, overlaps: Bool) throws {
        let (left, right) = (try ListenAddress(parsing: one), try ListenAddress(parsing: two))
        #expect(left.overlaps(right) == overlaps)
        #expect(right.overlaps(left) == overlaps)
    }

    @Test(arguments: [
        (ListenAddress.tcp(host: "", port: 1), "127.0.0.1:1"), (.tcp(host: "::", port: 1), "[::1]:1"),
        (.tcp(host: "0.0.0.0", port: 1), "127.0.0.1:1"), (.tcp(host: "::1", port: 1), "[::1]:1"),
        (.unix(path: "a"), "unix://a"),
    ])
    func isReachedFromThisMachine(address: ListenAddress, text: String) {
        #expect(address.reachable.description == text)
    }

    @Test func hasTheBoundPort() {
        #expect(ListenAddress.tcp(host: "::1", port: 0).bound(toPort: 7).url == "tcp://[::1]:7")
        #expect(ListenAddress.tcp(host: "::1", port: 6).bound(toPort: nil).url == "tcp://[::1]:6")
        #expect(ListenAddress.unix(path: "a").bound(toPort: nil).url == "unix://a")
    }
}
