import Dispatch
import NIOCore

/// Tells when a process has ended, while its id is still its own: it has not been reaped.
final class ProcessExit: Sendable {
    // Dispatch sources may be used from any thread; their type does not say so.
    nonisolated(unsafe) private let source: any DispatchSourceRead
    let future: EventLoopFuture<Void>

    /// - Parameter processDescriptor: A pidfd, which becomes readable when the process ends. It must stay open until
    ///   ``cancel()`` has returned.
    init(processDescriptor: CInt, on eventLoop: any EventLoop) {
        let promise = eventLoop.makePromise(of: Void.self)
        self.future = promise.futureResult
        let source = DispatchSource.makeReadSource(fileDescriptor: processDescriptor)
        nonisolated(unsafe) let watched = source
        source.setEventHandler { watched.cancel() }
        source.setCancelHandler { promise.succeed() }
        source.activate()
        self.source = source
    }

    /// Ends the watch; when it returns the descriptor may be closed.
    func cancel() async {
        self.source.cancel()
        try? await self.future.get()
    }
}
