import Synchronization
import Testing

/// Something that is so from one moment on.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool {
        self.value.load(ordering: .acquiring)
    }

    func set() {
        self.value.store(true, ordering: .releasing)
    }
}

/// Clients ask, one question after the other, while the body runs; each answer must be right, and each must come.
func withTraffic<Result>(
    _ rr: RRProcess,
    clients: Int = 4,
    location: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Result
) async throws -> Result {
    let isOver = Flag()
    return try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 1...clients {
            group.addTask {
                var round = 0
                repeat {
                    let client = try rr.client()
                    for _ in 1...20 {
                        round += 1
                        let text = "client \(number) round \(round)"
                        #expect(try client.ask(text) == text, sourceLocation: location)
                    }
                } while !isOver.isSet
                return round
            }
        }
        defer { isOver.set() }
        let result = try await body()
        isOver.set()
        let rounds = try await group.reduce(0, +)
        #expect(rounds >= clients * 20, sourceLocation: location)
        return result
    }
}
