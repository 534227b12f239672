import Testing

@testable import Application

@Suite struct DescriptorLimitTests {
    @Test(
        "Workers keep theirs, but connections a quarter of all",
        arguments: [(1_048_576, 4, 1_048_472), (1024, 10, 860), (1024, 500, 256), (160, 9, 40), (0, 1, 0)]
    )
    func connections(limit: Int, workers: Int, connections: Int) {
        #expect(DescriptorLimit.connections(of: limit, workers: workers) == connections)
    }
}
