import NIOCore
import Synchronization

/// The state of a pool at one moment.
package struct PoolSnapshot: Sendable {
    package enum WorkerState: String, Sendable, Hashable, CaseIterable {
        /// Free.
        case ready
        /// It has a request.
        case working
        /// Its handshake is still to come.
        case starting
        /// It has left its place but has not ended yet.
        case stopping
    }

    package struct Worker: Sendable {
        package var processID: Int32
        package var state: WorkerState
        /// Requests that it has answered; 0 once it has left its place.
        package var jobs: Int
        /// The resident bytes of the process; 0 if no longer known.
        package var residentMemory: Int
    }

    /// All processes, in the order of their ids.
    package var workers: [Worker]
    /// Requests that wait for a worker.
    package var waiting: Int
    /// Workers that the pool keeps.
    package var target: Int
    package var measures: PoolMeasures
}

extension WorkerPool {
    /// The current workers, requests and counts. Reads a file per worker: do not call it on an event loop with packets.
    package func snapshot() -> PoolSnapshot {
        let (states, waiting, target, measures) = self.state.withLock { state in
            let states = state.processes.map { id, handle in
                let held = state.machine.roster.state(of: id)
                return (handle, Self.workerState(held), state.machine.roster.worker(of: id)?.jobs ?? 0)
            }
            return (states, state.machine.waiting, state.machine.configuration.numWorkers, state.machine.measures)
        }
        let workers = states.compactMap { handle, state, jobs in
            handle.processID.map { processID in
                PoolSnapshot.Worker(
                    processID: processID,
                    state: state,
                    jobs: jobs,
                    residentMemory: handle.residentMemory ?? 0
                )
            }
        }
        return PoolSnapshot(
            workers: workers.sorted { $0.processID < $1.processID },
            waiting: waiting,
            target: target,
            measures: measures
        )
    }

    /// How long no worker has been available; `nil` if one is.
    package var unavailableFor: TimeAmount? {
        self.state.withLock { $0.machine.unavailableSince }.map { max(.zero, .now() - $0) }
    }

    private static func workerState(
        _ state: Roster<any PoolRequest, any WorkerHandle>.State?
    ) -> PoolSnapshot.WorkerState {
        switch state {
        case .ready(let worker): worker.leases.isEmpty ? .ready : .working
        case .absent(.backingOff), .absent(.starting): .starting
        case nil, .absent(.vacant): .stopping
        }
    }
}
