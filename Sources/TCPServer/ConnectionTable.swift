/// The connections of one event loop, found by their uuid.
///
/// A hash table whose chains run through the connections themselves: a connection costs two words, as in a list, and no
/// allocation. A uuid is random and needs no hashing.
struct ConnectionTable {
    /// Heads of the chains; their number is a power of two.
    private var chains: [ConnectionHandler?] = [nil]
    private(set) var count = 0

    var isEmpty: Bool {
        self.count == 0
    }

    /// A snapshot of all connections, in no particular order.
    var all: [ConnectionHandler] {
        var all: [ConnectionHandler] = []
        all.reserveCapacity(self.count)
        for first in self.chains {
            var next = first
            while let connection = next {
                all.append(connection)
                next = connection.nextInChain
            }
        }
        return all
    }

    func find(_ id: ConnectionID) -> ConnectionHandler? {
        var next = self.chains[self.chain(of: id)]
        while let connection = next, connection.id != id {
            next = connection.nextInChain
        }
        return next
    }

    /// - Parameter connection: A connection that is in no table yet.
    mutating func insert(_ connection: ConnectionHandler) {
        if self.count == self.chains.count {
            self.rebuild(chains: 2 * self.count)
        }
        self.link(connection)
        self.count += 1
    }

    /// - Returns: Whether the table held it.
    @discardableResult
    mutating func remove(_ connection: ConnectionHandler) -> Bool {
        let chain = self.chain(of: connection.id)
        if self.chains[chain] === connection {
            self.chains[chain] = connection.nextInChain
        } else {
            var before = self.chains[chain]
            while let next = before?.nextInChain, next !== connection {
                before = next
            }
            guard let before, before.nextInChain != nil else {
                return false
            }
            before.nextInChain = connection.nextInChain
        }
        connection.nextInChain = nil
        self.count -= 1
        // Free the memory of a burst of connections once it is over.
        if self.chains.count > 64, self.count < self.chains.count / 8 {
            self.rebuild(chains: self.chains.count / 4)
        }
        return true
    }

    private func chain(of id: ConnectionID) -> Int {
        Int(truncatingIfNeeded: id.hash & UInt64(self.chains.count - 1))
    }

    private mutating func link(_ connection: ConnectionHandler) {
        let chain = self.chain(of: connection.id)
        connection.nextInChain = self.chains[chain]
        self.chains[chain] = connection
    }

    private mutating func rebuild(chains: Int) {
        let all = self.all
        self.chains = Array(repeating: nil, count: chains)
        for connection in all {
            self.link(connection)
        }
    }
}
