import Testing

@testable import Application
@testable import Configuration

@Suite struct KubernetesVariableTests {
    @Test(arguments: [
        "RR_SERVICE_HOST", "RR_SERVICE_PORT", "RR_PORT", "RR_TCP_SERVICE_HOST", "RR_TCP_SERVICE_PORT",
        "RR_TCP_SERVICE_PORT_SMTP", "RR_TCP_SERVICE_PORT_MY_PORT", "RR_TCP_PORT", "RR_TCP_PORT_7777_TCP",
        "RR_TCP_PORT_7777_TCP_PROTO", "RR_TCP_PORT_7777_TCP_PORT", "RR_TCP_PORT_7777_TCP_ADDR",
        "RR_TCP_PORT_53_UDP_ADDR", "RR_TCP_PORT_9_SCTP",
    ])
    func theirs(_ name: String) {
        #expect(KubernetesVariable.matches(name))
    }

    @Test(arguments: [
        "RR_TCP_POOL_NUM_WORKERS", "RR_TCP_SERVERS_SMTP_ADDR", "RR_TCP_PORT_X_TCP", "RR_TCP_PORT_77777_TCP_ADDR",
        "RR_TCP_PORTS", "RR_HOST", "RR_", "RR",
    ])
    func ours(_ name: String) {
        #expect(!KubernetesVariable.matches(name))
    }
}
