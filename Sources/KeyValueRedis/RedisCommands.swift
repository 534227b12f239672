import RedisClient

/// What the storage needs of a client of Redis. Another client takes the place of ``RedisClient`` by implementing this.
package protocol RedisCommands: Sendable {
    /// Whether commands may only name keys of one slot.
    var isCluster: Bool { get }

    /// Commands that were refused because too many waited.
    var refused: Int { get }

    /// Sends commands, each of which is run as one.
    ///
    /// - Parameter completion: Called once, with a result for each command.
    func send(_ commands: [RedisCommand], _ completion: @escaping @Sendable (RedisClient.Results) -> Void)

    /// Sends a command to every server that takes writes.
    func sendToMasters(_ command: RedisCommand, _ completion: @escaping @Sendable (RedisClient.Results) -> Void)

    /// Waits for the replies that are on their way, then releases all resources.
    func close() async
}

extension RedisClient: RedisCommands {}
