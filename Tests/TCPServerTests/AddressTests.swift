import Sockets
import Testing

@testable import TCPServer

@Suite struct AddressTests {
    @Test(arguments: [
        (SocketEndpoint.tcp(host: "127.0.0.1", port: 80), "127.0.0.1:80"),
        (.tcp(host: "::1", port: 80), "[::1]:80"),
        (.tcp(host: "", port: 80), ":80"),
        (.unix(path: "/run/rr.sock"), "unix:///run/rr.sock"),
    ])
    func isWrittenAsItIsConfigured(address: SocketEndpoint, text: String) {
        #expect(address.description == text)
    }

    @Test func aListenErrorNamesServerAddressAndReason() {
        let error = ListenError(server: "smtp", address: .tcp(host: "", port: 25), reason: "Permission denied")
        #expect(error.description == "cannot listen on :25 (tcp.servers.smtp.addr): Permission denied")
    }
}
