import Glibc
import NIOCore

extension WorkerRelay {
    /// The worker no longer reads, or its process has ended: closes the relay once all its output is read.
    ///
    /// A process that it started may hold the other end of its output, so this does not wait for the output's end.
    func finishReading() {
        guard let context else {
            return
        }
        self.isFinishing = true
        if Self.unreadBytes(context.pipeline.syncOperations) == 0 {
            context.close(promise: nil)
        }
    }

    /// Unread bytes that the system holds.
    private static func unreadBytes(_ pipeline: ChannelPipeline.SynchronousOperations) -> CInt {
        func count(_ descriptor: CInt) -> CInt {
            var count: CInt = 0
            return ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? count : 0
        }
        let pipe = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.PipeHandle.self) { count($0.input) }
        let socket = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { count($0) }
        return pipe ?? socket ?? 0
    }
}
