import KeyValue

/// The methods of the service `kv`.
enum KeyValueMethod: Int, CaseIterable, Sendable {
    case has, set, get, expire, timeToLive, delete, clear, add, increment

    /// On the wire.
    var name: String {
        switch self {
        case .has: "Has"
        case .set: "Set"
        case .get: "MGet"
        case .expire: "MExpire"
        case .timeToLive: "TTL"
        case .delete: "Delete"
        case .clear: "Clear"
        case .add: "Add"
        case .increment: "Incr"
        }
    }

    /// Its name in RoadRunner's error texts.
    var operation: String {
        switch self {
        case .has: "rpc_has"
        case .set: "rpc_set"
        case .get: "rpc_mget"
        case .expire: "rpc_mexpire"
        case .timeToLive: "rpc_ttl"
        // So it is written there.
        case .delete, .clear: "rcp_delete"
        case .add: "rpc_add"
        case .increment: "rpc_incr"
        }
    }

    var kind: StorageRequest.Kind {
        switch self {
        case .has: .has
        case .set: .set
        case .get: .get
        case .expire: .expire
        case .timeToLive: .timeToLive
        case .delete: .delete
        case .clear: .clear
        case .add: .add
        case .increment: .increment
        }
    }
}
