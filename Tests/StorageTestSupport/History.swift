import Synchronization

/// Operations on one object with the times they began and ended, and a check that they could have happened one by one:
/// each somewhere between its beginning and its end.
package struct History<Operation: Sendable>: Sendable {
    package struct Event: Sendable {
        package let operation: Operation
        let began: UInt64
        let ended: UInt64
    }

    package final class Recorder: Sendable {
        private let clock = Atomic<UInt64>(0)
        private let events = Mutex<[Event]>([])

        package init() {}

        package func record(_ run: () async -> Operation) async {
            let began = self.clock.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
            let operation = await run()
            let ended = self.clock.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
            self.events.withLock { $0.append(Event(operation: operation, began: began, ended: ended)) }
        }

        package var history: History {
            History(events: self.events.withLock { $0 })
        }
    }

    package let events: [Event]

    /// Looks for an order that explains all answers, by depth-first search; visited states are not searched again.
    ///
    /// - Parameter apply: Returns the state after an operation, or `nil` if its answer is impossible in this state.
    package func isLinearizable<State: Hashable>(
        from initial: State,
        _ apply: (State, Operation) -> State?
    ) -> Bool {
        let events = self.events.sorted { $0.began < $1.began }
        var visited: Set<SearchPlace<State>> = []
        var stack = [SearchPlace(first: 0, later: [], state: initial)]
        while let place = stack.popLast() {
            guard place.first < events.count else { return true }
            guard visited.insert(place).inserted else { continue }
            // An operation may come next if it began before every open one ended.
            var end = UInt64.max
            for index in place.first..<events.count where !place.later.contains(index) {
                guard events[index].began < end else { break }
                end = min(end, events[index].ended)
                if let state = apply(place.state, events[index].operation) {
                    stack.append(place.after(index, state))
                }
            }
        }
        return false
    }
}

/// How far the search has got: few operations overlap, so few are done out of their order.
private struct SearchPlace<State: Hashable>: Hashable {
    /// All before it are done.
    var first: Int
    /// Those done after it.
    var later: Set<Int>
    var state: State

    func after(_ index: Int, _ state: State) -> SearchPlace {
        var next = SearchPlace(first: self.first, later: self.later.union([index]), state: state)
        while next.later.remove(next.first) != nil {
            next.first += 1
        }
        return next
    }
}
