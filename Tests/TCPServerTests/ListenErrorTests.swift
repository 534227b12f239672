import Addresses
import Testing

@testable import TCPServer

@Suite struct ListenErrorTests {
    @Test func namesServerAddressAndReason() {
        let error = ListenError(server: "smtp", address: .tcp(host: "", port: 25), reason: "Permission denied")
        #expect(error.description == "cannot listen on :25 (tcp.servers.smtp.addr): Permission denied")
    }
}
