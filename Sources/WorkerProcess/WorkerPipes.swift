import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

/// NIOCore has a type of the same name.
typealias Descriptor = SystemPackage.FileDescriptor

/// The three pipes of a worker: standard input, output and error. A worker whose frames go over a socket has no input.
///
/// swift-subprocess closes the worker's ends after spawning; the channels that take this process's ends close those.
struct WorkerPipes: Sendable {
    let childInput: Descriptor
    let childOutput: Descriptor
    let childError: Descriptor
    private var input: Descriptor?
    private var output: Descriptor?
    private var error: Descriptor?

    /// Opens the pipes with close-on-exec: a worker spawned at the same time would hold them open otherwise.
    ///
    /// - Parameter hasInput: Whether there is a pipe for the worker's input, which is empty otherwise.
    init(hasInput: Bool) throws {
        let input: (readEnd: Descriptor, writeEnd: Descriptor?) =
            hasInput
            ? try Descriptor.pipe(options: .closeOnExec)
            : (try Descriptor.open("/dev/null", .readOnly, options: .closeOnExec), nil)
        let output: (readEnd: Descriptor, writeEnd: Descriptor)
        let error: (readEnd: Descriptor, writeEnd: Descriptor)
        do {
            output = try Descriptor.pipe(options: .closeOnExec)
        } catch {
            Self.close(input.readEnd, input.writeEnd)
            throw error
        }
        do {
            error = try Descriptor.pipe(options: .closeOnExec)
        } catch {
            Self.close(input.readEnd, input.writeEnd, output.readEnd, output.writeEnd)
            throw error
        }
        (self.childInput, self.input) = (input.readEnd, input.writeEnd)
        (self.output, self.childOutput) = (output.readEnd, output.writeEnd)
        (self.error, self.childError) = (error.readEnd, error.writeEnd)
    }

    private static func close(_ descriptors: Descriptor?...) {
        for descriptor in descriptors {
            try? descriptor?.close()
        }
    }

    /// Closes this process's ends that no channel has taken.
    mutating func closeOurs() {
        for descriptor in [self.input, self.output, self.error] {
            try? descriptor?.close()
        }
        (self.input, self.output, self.error) = (nil, nil, nil)
    }

    /// Watches whether the worker's input is read; call it before ``openInput(on:handler:)``.
    func watchInput() throws -> UnreadInput? {
        try self.input.map { try UnreadInput(writeEnd: $0) }
    }

    /// Makes the channel that writes the worker's standard input.
    mutating func openInput(on eventLoop: any EventLoop, handler: some ChannelHandler & Sendable) async throws {
        _ = try await Self.open(&self.input, on: eventLoop, handler: handler) {
            $0.takingOwnershipOfDescriptor(output: $1)
        }
    }

    /// Makes the channel that reads the worker's standard output.
    mutating func openOutput(
        on eventLoop: any EventLoop,
        handler: some ChannelHandler & Sendable
    ) async throws -> any Channel {
        try await Self.open(&self.output, on: eventLoop, handler: handler) { $0.takingOwnershipOfDescriptor(input: $1) }
    }

    /// Makes the channel that reads the worker's standard error.
    mutating func openError(
        on eventLoop: any EventLoop,
        handler: some ChannelHandler & Sendable
    ) async throws -> any Channel {
        try await Self.open(&self.error, on: eventLoop, handler: handler) { $0.takingOwnershipOfDescriptor(input: $1) }
    }

    /// - Parameter own: Makes a channel that owns the descriptor.
    private static func open(
        _ descriptor: inout Descriptor?,
        on eventLoop: any EventLoop,
        handler: some ChannelHandler & Sendable,
        _ own: (NIOPipeBootstrap, CInt) -> EventLoopFuture<any Channel>
    ) async throws -> any Channel {
        guard let number = descriptor?.rawValue else {
            throw ChannelError.alreadyClosed
        }
        let isOwned = Atomic(false)
        let bootstrap = NIOPipeBootstrap(group: eventLoop).channelInitializer { channel in
            // From here on the channel closes the descriptor, even if it cannot be registered. The bootstrap's future
            // then fails, and its documentation says that the caller still owns the descriptor: to close a number that
            // has been reused by now would be worse than any leak.
            isOwned.store(true, ordering: .relaxed)
            return channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(handler)
            }
        }
        defer {
            if isOwned.load(ordering: .relaxed) {
                descriptor = nil
            }
        }
        return try await own(bootstrap, number).get()
    }
}
