import Testing

@testable import Application

@Suite struct DescriptorLimitTests {
    struct Case {
        var limit: Int
        var workers: Int
        var listeners: Int
        var connections: Int
        var batch: Int
    }

    @Test(
        "Workers and listeners keep theirs, but connections a quarter of all",
        arguments: [
            Case(limit: 1_048_576, workers: 4, listeners: 1, connections: 1_048_455, batch: 16),
            Case(limit: 1024, workers: 10, listeners: 1, connections: 843, batch: 16),
            Case(limit: 1024, workers: 2, listeners: 12, connections: 736, batch: 16),
            Case(limit: 1024, workers: 2, listeners: 40, connections: 860, batch: 1),
            Case(limit: 1024, workers: 500, listeners: 1, connections: 256, batch: 1),
            Case(limit: 160, workers: 9, listeners: 2, connections: 40, batch: 1),
            Case(limit: 0, workers: 1, listeners: 1, connections: 0, batch: 1),
            Case(limit: .max, workers: 500, listeners: 1000, connections: .max - 22_064, batch: 16),
        ]
    )
    func connections(each: Case) {
        let share = DescriptorLimit.share(of: each.limit, workers: each.workers, listeners: each.listeners)
        #expect(share == .init(connections: each.connections, batch: each.batch))
    }
}
