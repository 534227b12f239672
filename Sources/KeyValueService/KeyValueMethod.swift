import KeyValue

/// The methods of the service `kv`.
enum KeyValueMethod: String, CaseIterable, Sendable {
    case has = "Has"
    case set = "Set"
    case get = "MGet"
    case expire = "MExpire"
    case timeToLive = "TTL"
    case delete = "Delete"
    case clear = "Clear"
    case add = "Add"
    case increment = "Incr"

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

    /// Its place among all.
    var index: Int {
        switch self {
        case .has: 0
        case .set: 1
        case .get: 2
        case .expire: 3
        case .timeToLive: 4
        case .delete: 5
        case .clear: 6
        case .add: 7
        case .increment: 8
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
