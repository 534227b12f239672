import JSON
import NIOCore
import Observability
import RPC

extension RPCService {
    /// `status`: what the probes of the `status` section answer.
    ///
    /// - Parameter unavailable: The code of a fault.
    static func status(_ unavailable: Int, _ report: @escaping @Sendable () -> HealthReport) -> RPCService {
        RPCService(
            "status",
            [
                "Status": .immediate { call throws(RPCError) in
                    try self.answer(call, "status", unavailable, report().healthFault)
                },
                "Ready": .immediate { call throws(RPCError) in
                    try self.answer(call, "ready", unavailable, report().readyFault)
                },
            ]
        )
    }

    private static func answer(
        _ call: RPCCall,
        _ name: String,
        _ unavailable: Int,
        _ fault: String?
    ) throws(RPCError) -> ByteBuffer {
        let plugin = try self.plugin(of: call)
        guard plugin == HealthResponse.plugin else {
            throw RPCError("checker_rpc_\(name):\n\tchecker_plugin_\(name): no such plugin: \(plugin)")
        }
        let code = fault == nil ? 200 : unavailable
        guard call.codec == .proto else {
            return ByteBuffer(
                json: .object(
                    [JSONMember("code", .integer(code))] + (fault.map { [JSONMember("message", .string($0))] } ?? [])
                )
            )
        }
        // Response: 1 code, 2 message.
        var message = ByteBuffer()
        message.writeProtobuf(UInt64(code), field: 1)
        message.writeProtobuf(fault ?? "", field: 2)
        return message
    }

    /// Request: 1 plugin.
    private static func plugin(of call: RPCCall) throws(RPCError) -> String {
        guard call.codec == .proto else {
            return try call.json()[inAnyCase: "plugin"]?.string ?? ""
        }
        return try call.protobuf { reader throws(ProtobufError) in
            var plugin = ""
            while let tag = try reader.nextTag() {
                if tag == ProtobufTag(1, .bytes) {
                    plugin = try reader.text()
                } else {
                    try reader.skip(tag)
                }
            }
            return plugin
        }
    }
}
