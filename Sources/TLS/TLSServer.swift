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

    private enum State {
        /// `files`: as they were when they were last tried. Can become `yielded`.
        case reading(TLSContexts, files: [FileState?])
        /// Another one has its place, for connections that began before, too. Final.
        case yielded(TLSServer)
    }

    private let state: Mutex<State>

    /// Reads the files; blocks.
    package init(_ plan: TLSPlan) throws(TLSFault) {
        // What changes while it is read is read again.
        let files = plan.fileStates
        self.state = Mutex(.reading(try TLSContexts(plan), files: files))
    }

    package var contexts: TLSContexts {
        var server = self
        while true {
            switch server.state.withLock({ $0 }) {
            case .reading(let contexts, _): return contexts
            case .yielded(let successor): server = successor
            }
        }
    }

    /// Connections that begin a handshake later have the other's contexts.
    package func yield(to successor: TLSServer) {
        self.state.withLock { $0 = .yielded(successor) }
    }

    /// Reads the files again if they are others than before; blocks.
    package func refresh() -> Refresh {
        guard case .reading(let contexts, let old) = self.state.withLock({ $0 }) else { return .unchanged }
        let files = contexts.plan.fileStates
        guard files != old else { return .unchanged }
        do throws(TLSFault) {
            self.read(try TLSContexts(contexts.plan), files)
            return .renewed
        } catch {
            self.read(contexts, files)
            return .failed(error)
        }
    }

    private func read(_ contexts: TLSContexts, _ files: [FileState?]) {
        self.state.withLock { state in
            if case .reading = state {
                state = .reading(contexts, files: files)
            }
        }
    }
}

extension TLSPlan {
    fileprivate var fileStates: [FileState?] {
        let pairs = self.identities.flatMap { [$0.certificate, $0.key] }
        return (pairs + [self.authorities].compactMap { $0 }).map { FileState($0) }
    }
}
