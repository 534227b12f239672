import Synchronization

/// The contexts of one listener, which are read anew when its files change. Handshakes that have begun keep theirs.
package final class TLSServer: Sendable {
    /// What became of a look at the files.
    package enum Refresh: Hashable, Sendable {
        case unchanged
        case renewed
        /// The old contexts stay. Told once for each state of the files.
        case failed(TLSFault)
    }

    private struct State {
        var contexts: TLSContexts
        /// The files when they were last tried.
        var files: [FileState?]
    }

    private let state: Mutex<State>

    /// Reads the files; blocks.
    package init(_ plan: TLSPlan) throws(TLSFault) {
        // What changes while it is read is read again.
        let files = plan.fileStates
        self.state = Mutex(State(contexts: try TLSContexts(plan), files: files))
    }

    package var contexts: TLSContexts {
        self.state.withLock { $0.contexts }
    }

    /// Reads the files again if they are others than before; blocks.
    package func refresh() -> Refresh {
        let old = self.state.withLock { $0 }
        let files = old.contexts.plan.fileStates
        guard files != old.files else { return .unchanged }
        do throws(TLSFault) {
            let contexts = try TLSContexts(old.contexts.plan)
            self.state.withLock { $0 = State(contexts: contexts, files: files) }
            return .renewed
        } catch {
            self.state.withLock { $0.files = files }
            return .failed(error)
        }
    }
}

extension TLSPlan {
    fileprivate var fileStates: [FileState?] {
        let pairs = self.identities.flatMap { [$0.certificate, $0.key] }
        return (pairs + [self.authorities].compactMap { $0 }).map { FileState($0) }
    }
}
