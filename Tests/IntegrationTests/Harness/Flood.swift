/// Clients that connect as fast as they can, and say nothing.
enum Flood {
    /// Floods an address while the body runs, from two threads.
    static func run(at endpoint: Endpoint, _ body: () async throws -> Void) async throws {
        let isOver = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { isOver.set() }
            for _ in 0..<2 {
                group.addTask {
                    var clients: [Client] = []
                    while !isOver.isSet {
                        clients.append(try Client(endpoint))
                        if clients.count == 500 {
                            // Not closed, which would leave their ports in TIME_WAIT.
                            for client in clients {
                                client.reset()
                            }
                            clients = []
                        }
                    }
                }
            }
            try await body()
            isOver.set()
            try await group.waitForAll()
        }
    }
}
