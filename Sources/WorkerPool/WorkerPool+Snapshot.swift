import NIOCore
import Synchronization

/// What a pool is like at one moment.
package struct PoolSnapshot: Sendable {
    package enum WorkerState: String, Sendable, Hashable, CaseIterable {
        /// Free.
        case ready
        /// It has a request.
        case working
        /// Before its handshake.
        case starting
        /// It has left its place and not ended yet.
        case stopping
    }

    package struct Worker: Sendable {
        package var processID: Int32
        package var state: WorkerState
        /// Bytes that the process holds resident; 0 when that cannot be told any more.
        package var residentMemory: Int
    }

    /// Every process that is there, in the order of their ids.
    package var workers: [Worker]
    /// Requests that wait for a worker.
    package var waiting: Int
    package var measures: PoolMeasures
}

extension WorkerPool {
    /// Workers, requests and counts as they are now. Reads a file for each worker: not for an event loop with packets.
    package func snapshot() -> PoolSnapshot {
        let (states, waiting, measures) = self.state.withLock { state in
            let states = state.processes.map { id, handle in
                (handle, Self.workerState(state.machine.roster.state(of: id)))
            }
            return (states, state.machine.waiting, state.machine.measures)
        }
        let workers = states.compactMap { handle, state in
            handle.processID.map { processID in
                PoolSnapshot.Worker(processID: processID, state: state, residentMemory: handle.residentMemory ?? 0)
            }
        }
        return PoolSnapshot(
            workers: workers.sorted { $0.processID < $1.processID },
            waiting: waiting,
            measures: measures
        )
    }

    /// How long there has been no worker to serve with; `nil` when there is one.
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
