import KeyValue
import RedisClient

/// Keys and values in a Redis server. Keys are stored as they are, without a prefix, in the database that the connection has
/// selected; `clear` empties that database, whoever else uses it.
///
/// A request takes effect as a whole, with one exception: in a cluster the keys of each slot do, but the request fails when
/// those of one slot fail, and others may have taken effect then. Expiries need Redis 6.2 and `timeToLive` Redis 7; requests
/// with several items run scripts, and so does each `increment` with an expiry.
///
/// A server that cannot be reached fails requests. When a connection breaks during a request, nobody knows whether the
/// server has performed it: `add` and `increment` fail then, all others are sent again.
package struct RedisStorage: Storage {
    private let client: any RedisCommands

    package init(_ client: some RedisCommands) {
        self.client = client
    }

    package var driver: StorageDriver { .redis }

    package var measures: StorageMeasures {
        StorageMeasures(refused: self.client.refused)
    }

    package func perform(_ request: StorageRequest, _ completion: @escaping StorageCompletion) {
        let plan = RequestPlan(request, isCluster: self.client.isCluster)
        let finish: @Sendable (RedisClient.Results) -> Void = { results in
            completion(Result { () throws(StorageError) in try plan.answer(results) })
        }
        if case .clear = request {
            self.client.sendToMasters(plan.commands[0], finish)
        } else {
            self.client.send(plan.commands, finish)
        }
    }

    package func close() async {
        await self.client.close()
    }
}
