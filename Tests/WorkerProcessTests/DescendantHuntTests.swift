import Glibc
import Platform
import Testing

@testable import WorkerProcess

@Suite struct DescendantHuntTests {
    /// Processes by parent; 2 is a worker.
    private final class Machine {
        var parents: [pid_t: pid_t] = [2: 1]
        var looks = 0
        var frozen: Set<pid_t> = []
        var killed: [pid_t] = []
        /// Those that may not be signalled.
        var foreign: Set<pid_t> = []
        var atEachLook: (Machine) -> Void = { _ in }

        func fork(from parent: pid_t) {
            if !self.frozen.contains(parent), self.parents[parent] != nil {
                self.parents[(self.parents.keys.max() ?? 2) + 1] = parent
            }
        }

        func hunt(_ workers: [() -> pid_t?] = [{ 2 }]) {
            var hunt = DescendantHunt(
                look: {
                    self.looks += 1
                    let table = ProcessTable(self.parents.map { .init(pid: $0.key, parent: $0.value, hasEnded: false) })
                    self.atEachLook(self)
                    return table
                },
                signal: { pid, signal in
                    guard !self.foreign.contains(pid) else {
                        return false
                    }
                    if signal == SIGSTOP {
                        self.frozen.insert(pid)
                    } else {
                        self.killed.append(pid)
                        self.parents[pid] = nil
                        for (child, parent) in self.parents where parent == pid {
                            self.parents[child] = 1
                        }
                    }
                    return true
                }
            )
            hunt.kill(descendantsOf: workers)
        }
    }

    @Test func whatIsStartedBetweenTwoLooksIsFoundAndNothingIsKilledBeforeAllIsFrozen() {
        let machine = Machine()
        machine.parents = [2: 1, 3: 2, 4: 3, 9: 1]
        machine.atEachLook = { $0.fork(from: 4) }
        machine.hunt()
        #expect(Set(machine.killed) == [3, 4, 10] && machine.killed.count == 3)
        #expect(machine.frozen == [3, 4, 10])
        #expect(machine.parents == [2: 1, 9: 1])
        #expect(machine.looks == 3, "the last one finds nothing new")
    }

    @Test func oneThatMayNotBeSignalledAndStartsOthersForEverIsNotWaitedFor() {
        let machine = Machine()
        machine.parents = [2: 1, 3: 2]
        machine.foreign = [3]
        machine.atEachLook = { $0.fork(from: 3) }
        machine.hunt()
        #expect(machine.looks == DescendantHunt.mostLooks + 1)
        #expect(machine.killed.count == DescendantHunt.mostLooks, "all that were found, in the last look too")
        #expect(!machine.killed.contains(3))
    }

    @Test func whatMayNotBeSignalledAtAllIsLeftAlone() {
        let machine = Machine()
        machine.parents = [2: 1, 3: 2, 4: 3]
        machine.foreign = Set(3...100)
        machine.atEachLook = { $0.fork(from: 3) }
        machine.hunt()
        #expect(machine.looks == DescendantHunt.mostLooks + 1, "some more are found each time")
        #expect(machine.killed.isEmpty)
    }

    @Test func aWorkerThatHasBeenReapedHasNoDescendants() {
        let machine = Machine()
        machine.parents = [2: 1, 3: 2]
        var answers: [pid_t?] = [2, nil]
        machine.hunt([{ nil }, { answers.isEmpty ? nil : answers.removeFirst() }])
        #expect(machine.killed.isEmpty)
    }
}
