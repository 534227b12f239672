import NIOCore
import RPC

/// The metrics of applications as the RPC service `metrics`.
package struct MetricsService: Sendable {
    private let registry: MetricsRegistry
    private let warn: @Sendable (String) -> Void

    /// - Parameter warn: Gets a line for the log when a metric is declared again but differently: PHP's client keeps that
    ///   to itself.
    package init(_ registry: MetricsRegistry, warn: @escaping @Sendable (String) -> Void) {
        self.registry = registry
        self.warn = warn
    }

    package var rpc: RPCService {
        RPCService(
            "metrics",
            [
                "Declare": self.method("declare") { argument throws(MetricsCallFault) in
                    let declaration = try MetricDeclaration(argument)
                    do throws(MetricFault) {
                        try self.registry.declare(declaration)
                    } catch {
                        self.warn("\(error)")
                        throw .metric(error)
                    }
                },
                "Unregister": self.method("unregister") { argument throws(MetricsCallFault) in
                    let name = try argument.read { argument throws(RPCError) in try argument.text }
                    do throws(MetricFault) {
                        try self.registry.unregister(name)
                    } catch {
                        throw .metric(error)
                    }
                },
                "Add": self.change("add", .add),
                "Sub": self.change("sub", .sub),
                "Set": self.change("set", .set),
                "Observe": self.change("observe", .observe),
            ]
        )
    }

    private func change(_ word: String, _ operation: MetricOperation) -> RPCMethod {
        self.method(word) { argument throws(MetricsCallFault) in
            let change = try argument.read { argument throws(RPCError) in try MetricChange(argument) }
            do throws(MetricFault) {
                try self.registry.perform(operation, change.name, change.value, labels: change.labels)
            } catch {
                throw .metric(error)
            }
        }
    }

    /// - Parameter word: Of RoadRunner's prefix of errors.
    private func method(
        _ word: String, _ body: @escaping @Sendable (JSONArgument) throws(MetricsCallFault) -> Void
    ) -> RPCMethod {
        .immediate { call throws(RPCError) in
            let argument = try JSONArgument(call)
            do throws(MetricsCallFault) {
                try body(argument)
            } catch {
                switch error {
                case .argument(let error): throw error
                case .metric(let fault): throw RPCError("metrics_plugin_\(word): \(fault)")
                }
            }
            return ByteBuffer(string: "true")
        }
    }
}

/// Why a call fails: its argument is of the wrong shape, or the metric does not allow it.
private enum MetricsCallFault: Error {
    case argument(RPCError)
    case metric(MetricFault)
}

/// The argument of a change.
private struct MetricChange {
    var name: String
    var value: Double
    var labels: [String]

    init(_ argument: JSONArgument) throws(RPCError) {
        self.name = try argument.member("name").text
        self.value = try argument.member("value").number
        self.labels = try argument.member("labels").texts
    }
}

extension MetricDeclaration {
    fileprivate init(_ argument: JSONArgument) throws(MetricsCallFault) {
        self = try argument.read { argument throws(RPCError) in
            let collector = try argument.member("collector")
            var buckets: [Double] = []
            for bound in try collector.member("buckets").elements {
                buckets.append(try bound.number)
            }
            var objectives: [QuantileObjective] = []
            for (name, value) in try collector.member("objectives").members {
                guard let quantile = Double(name) else {
                    throw RPCError("json: cannot use `\(name)` for objectives: a number is needed")
                }
                objectives.append(QuantileObjective(quantile, error: try value.number))
            }
            return MetricDeclaration(
                name: try argument.member("name").text,
                namespace: try collector.member("namespace").text,
                subsystem: try collector.member("subsystem").text,
                type: try collector.member("type").text,
                help: try collector.member("help").text,
                labels: try collector.member("labels").texts,
                buckets: buckets,
                objectives: objectives
            )
        }
    }
}

extension JSONArgument {
    fileprivate func read<Value>(
        _ body: (JSONArgument) throws(RPCError) -> Value
    ) throws(MetricsCallFault) -> Value {
        do throws(RPCError) {
            return try body(self)
        } catch {
            throw .argument(error)
        }
    }

    fileprivate var texts: [String] {
        get throws(RPCError) {
            var texts: [String] = []
            for element in try self.elements {
                texts.append(try element.text)
            }
            return texts
        }
    }
}
