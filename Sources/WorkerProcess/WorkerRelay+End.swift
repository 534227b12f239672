import Glibc
import NIOCore

extension WorkerRelay {
    /// The worker hears nothing any more, or its process has ended: closes the relay when all is read that it wrote.
    ///
    /// A process that it started may hold the other end of its output, so the end of that is not waited for.
    func finishReading() {
        guard let context else {
            return
        }
        self.isFinishing = true
        if Self.unreadBytes(context.pipeline.syncOperations) == 0 {
            context.close(promise: nil)
        }
    }

    /// Bytes that the system holds for us.
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
