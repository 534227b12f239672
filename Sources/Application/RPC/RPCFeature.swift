import Addresses
import Features
import Logging
import NIOCore
import NIOPosix
import Observability
import RPC
import RPCServer
import Sockets
import Synchronization
import TLS

/// The calls of workers and of the command line, if there is an `rpc` section.
///
/// Up before `server.on_init` and the first worker, there until the last worker is gone. A reload leaves it as it is:
/// workers keep their connections for life, and those that run have been told the address.
final class RPCFeature: Feature {
    private let place: RPCServer.Place
    private let limits: RPCLimits
    private let group: MultiThreadedEventLoopGroup
    private let services: @Sendable (ServiceView, any EventLoop) -> [RPCService]
    private let isMeasured: Bool
    private let tls: TLSFeature
    private let plans: [(key: String, plan: TLSPlan)]
    private let logger: Logger
    private let server = Mutex<RPCServer?>(nil)

    /// - Parameters:
    ///   - workDirectory: Relative files of `tls` are there.
    ///   - connections: The most open connections.
    ///   - owner: The group of users that a unix socket is given to; `nil`: this process's own.
    ///   - services: Their names are distinct. They run on the loop.
    /// - Returns: `nil` without the section.
    init?(
        _ settings: Settings,
        tls: TLSFeature,
        workDirectory: String,
        connections: Int,
        owner: UInt32?,
        services: @escaping @Sendable (ServiceView, any EventLoop) -> [RPCService],
        logger: Logger
    ) {
        guard let rpc = settings.rpc, let address = rpc.address else {
            return nil
        }
        self.place = RPCServer.Place(address, mode: rpc.listenMode, group: owner)
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.limits = RPCLimits(
            messageBytes: rpc.maxMessageSize,
            connections: connections,
            calls: rpc.maxCalls
        )
        self.services = services
        self.isMeasured = settings.metrics != nil
        self.tls = tls
        self.plans = settings.tlsPlans(in: workDirectory).filter { $0.key == Self.tlsKey }
        self.logger = logger
    }

    /// - Throws: `RPCServerError` when the address cannot be listened on.
    func start(_ service: ServiceView) async throws {
        let plans = self.plans
        let certificates = try await BlockingCall.run { try TLSFeature.servers(plans) }
        let server = try await RPCServer(
            self.place,
            services: self.services(service, self.group.next()),
            limits: self.limits,
            isMeasured: self.isMeasured,
            encryption: certificates[Self.tlsKey]?.encryption,
            group: self.group,
            logger: self.logger
        )
        self.server.withLock { $0 = server }
        self.tls.add(certificates)
        self.logger.info("listening", metadata: ["key": "rpc.listen", "address": "\(server.address)"])
        if !server.address.isLoopback, !self.verifiesClients {
            self.logger.warning(
                "rpc.listen is beyond loopback, and no client is verified: whoever reaches it may call everything",
                metadata: ["address": "\(server.address)"]
            )
        }
        if server.address.isIPv6Only, server.address.reachableFromWorkers(in: "").isIPv6Only {
            self.logger.warning(
                "PHP's RPC client connects by IPv4 only: workers will not reach rpc.listen",
                metadata: ["address": "\(server.address)"]
            )
        }
    }

    private static let tlsKey = "rpc.tls"

    private var verifiesClients: Bool {
        self.plans.contains { $0.plan.clients == .requireAndVerify }
    }

    /// What is in flight is abandoned: nobody is left who could read its result.
    func stop() async {
        let server = self.server.withLock { $0 }
        await server?.close()
        // Closes the connections.
        try? await self.group.shutdownGracefully()
    }

    func addMetrics(to text: inout PrometheusText) {
        if let server = self.server.withLock({ $0 }) {
            text.add(server.snapshot)
        }
    }

    var health: FeatureHealth {
        let isListening = self.server.withLock { $0 }?.isListening ?? true
        return FeatureHealth(readyFault: isListening ? nil : "not listening: rpc.listen")
    }
}

extension ListenAddress {
    /// Whether no other machine reaches it.
    var isLoopback: Bool {
        switch self {
        case .unix: true
        case .tcp(let host, _): host.lowercased() == "localhost" || host == "::1" || host.hasPrefix("127.")
        }
    }
}

extension PrometheusText {
    mutating func add(_ rpc: RPCSnapshot) {
        self.family("rr_rpc_connections", .gauge, "Open RPC connections.", rpc.connections)
        self.family("rr_rpc_connections_accepted_total", .counter, "RPC connections that were accepted.", rpc.accepted)
        self.family(
            "rr_rpc_malformed_total", .counter, "RPC connections closed for bytes that are no call.", rpc.malformed)
        self.family("rr_rpc_calls_total", .counter, "RPC calls that were answered.") { samples in
            for method in rpc.methods {
                samples.add(method.successes, ("method", method.name), ("result", "ok"))
                samples.add(method.failures, ("method", method.name), ("result", "error"))
            }
        }
        self.family("rr_rpc_call_seconds_total", .counter, "Time from the calls of a method to their results.") {
            samples in
            for method in rpc.methods {
                samples.add(method.seconds, ("method", method.name))
            }
        }
        self.family("rr_rpc_calls_in_flight", .gauge, "RPC calls whose results come later.", rpc.callsInFlight)
        self.family("rr_rpc_received_bytes_total", .counter, "Bytes of RPC calls.", rpc.receivedBytes)
        self.family("rr_rpc_sent_bytes_total", .counter, "Bytes of RPC replies.", rpc.sentBytes)
    }
}
