import Platform
import Testing

@testable import Application

@Suite struct DescriptorLimitTests {
    struct Case {
        var limit: Int
        var workers: Int
        var listeners: Int
        var connections: Int
        var batch: Int
        var others = DescriptorLimit.Others(loops: 2)
    }

    @Test(
        "Workers and listeners keep theirs, but connections a quarter of all",
        arguments: [
            Case(limit: 1_048_576, workers: 4, listeners: 1, connections: 1_048_446, batch: 16),
            Case(limit: 1024, workers: 10, listeners: 1, connections: 834, batch: 16),
            Case(
                limit: 4096, workers: 10, listeners: 1, connections: 3078, batch: 16,
                others: .init(loops: 64, adminAddresses: 1, hasRelay: true)
            ),
            Case(
                limit: 1_048_576, workers: 500, listeners: 1, connections: 1_042_529, batch: 16,
                others: .init(loops: 64, adminAddresses: 2, hasRelay: true)
            ),
            Case(
                limit: 1024, workers: 2, listeners: 1, connections: 527, batch: 16,
                others: .init(loops: 2, adminAddresses: 2, hasRelay: true)
            ),
            Case(limit: 1024, workers: 2, listeners: 12, connections: 727, batch: 16),
            Case(limit: 1024, workers: 2, listeners: 40, connections: 851, batch: 1),
            Case(limit: 1024, workers: 500, listeners: 1, connections: 256, batch: 1),
            Case(limit: 160, workers: 9, listeners: 2, connections: 40, batch: 1),
            Case(limit: 0, workers: 1, listeners: 1, connections: 0, batch: 1),
            Case(limit: .max, workers: 500, listeners: 1000, connections: .max - 22_073, batch: 16),
        ]
    )
    func connections(each: Case) {
        let share = DescriptorLimit.share(of: each.limit, workers: each.workers, listeners: each.listeners, each.others)
        #expect(share == .init(connections: each.connections, batch: each.batch))
    }

    @Test("Too few to start: said with the number that would do")
    func tooFew() throws {
        func fault(_ limit: Int, loops: Int, workers: Int) -> String? {
            do throws(Gateway.Failure) {
                try DescriptorLimit.check(limit, loops: loops, workers: workers, listeners: 1)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(fault(64, loops: 2, workers: 1) == nil)
        #expect(fault(.max, loops: 256, workers: 500) == nil)
        let text = try #require(fault(20, loops: 2, workers: 1))
        #expect(text.contains("is 20, but 1 workers, 1 servers and 2 event loops need "))
        let needed = try #require(text.split(separator: " ").compactMap { Int($0) }.last { $0 > 20 && $0 < 64 })
        #expect(fault(needed, loops: 2, workers: 1) == nil)
        #expect(fault(needed - 1, loops: 2, workers: 1) != nil)
        #expect(fault(0, loops: 1, workers: 0) != nil)
    }
}
