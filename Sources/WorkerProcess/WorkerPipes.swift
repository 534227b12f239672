import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

/// NIOCore has a type of the same name.
typealias Descriptor = SystemPackage.FileDescriptor

/// The three pipes of a worker: standard input, output and error. A worker whose frames go over a socket has no input.
///
/// The worker's ends are closed by swift-subprocess once it has spawned, ours by the channels that take them.
struct WorkerPipes: Sendable {
    let childInput: Descriptor
    let childOutput: Descriptor
    let childError: Descriptor
    private var input: Descriptor?
    private var output: Descriptor?
    private var error: Descriptor?

    /// Opens the pipes; close-on-exec, or a worker spawned at the same time would hold them open.
    ///
    /// - Parameter hasInput: Without it the worker's input is empty.
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

    /// Closes those of our ends that no channel has taken.
    mutating func closeOurs() {
        for descriptor in [self.input, self.output, self.error] {
            try? descriptor?.close()
        }
        (self.input, self.output, self.error) = (nil, nil, nil)
    }

    /// What tells whether the worker's input was read; before ``openInput(on:handler:)``.
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
            // From here on the channel closes the descriptor, also when it cannot be registered. The future of the
            // bootstrap fails then, and its documentation says that the descriptor is still ours: to close a number
            // that is another's by now would be worse than any leak.
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
