/// Names one worker process for as long as the pool lives: the place it holds and which one in that place it is.
public struct WorkerID: Sendable, Hashable, CustomStringConvertible {
    /// Index of the place in the pool.
    public let place: Int
    /// Counts the workers that held the place; an event that names an older one is stale and ignored.
    public let generation: UInt64

    public init(place: Int, generation: UInt64) {
        self.place = place
        self.generation = generation
    }

    public var description: String {
        "\(self.place).\(self.generation)"
    }
}
