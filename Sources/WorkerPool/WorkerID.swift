/// Names one worker process for as long as the pool lives, by its place and its number among that place's workers.
package struct WorkerID: Sendable, Hashable, CustomStringConvertible {
    /// Index of the place in the pool.
    package let place: Int
    /// Counts the workers that held the place; an event that names an older one is stale and ignored.
    package let generation: UInt64

    package init(place: Int, generation: UInt64) {
        self.place = place
        self.generation = generation
    }

    package var description: String {
        "\(self.place).\(self.generation)"
    }
}
