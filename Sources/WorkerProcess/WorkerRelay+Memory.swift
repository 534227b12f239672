import Platform
import Synchronization

extension WorkerRelay {
    var processID: Int32? {
        self.process.withLock { $0.id }
    }

    var residentMemory: Int? {
        self.processID.flatMap { ProcessFiles().memory(of: $0)?.resident }
    }
}
