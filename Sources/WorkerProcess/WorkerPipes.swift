import NIOCore
import NIOPosix
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

    /// What tells whether the worker's input was read; before ``openRelay(on:handler:)``.
    func watchInput() throws -> WorkerInput? {
        try self.input.map { try WorkerInput(writeEnd: $0) }
    }

    /// Makes the channel that reads the worker's output and writes its input.
    mutating func openRelay(
        on eventLoop: any EventLoop,
        handler: some ChannelHandler & Sendable
    ) async throws -> any Channel {
        guard let input, let output else {
            throw ChannelError.alreadyClosed
        }
        let channel = try await NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler) }
            }
            .takingOwnershipOfDescriptors(input: output.rawValue, output: input.rawValue)
            .get()
        (self.input, self.output) = (nil, nil)
        return channel
    }

    /// Makes the channel that reads the worker's standard error.
    mutating func openError(
        on eventLoop: any EventLoop,
        handler: some ChannelHandler & Sendable
    ) async throws -> any Channel {
        try await Self.open(&self.error, on: eventLoop, handler: handler)
    }

    /// Makes the channel that reads the worker's output when it is not the relay.
    mutating func openOutput(
        on eventLoop: any EventLoop,
        handler: some ChannelHandler & Sendable
    ) async throws -> any Channel {
        try await Self.open(&self.output, on: eventLoop, handler: handler)
    }

    private static func open(
        _ descriptor: inout Descriptor?,
        on eventLoop: any EventLoop,
        handler: some ChannelHandler & Sendable
    ) async throws -> any Channel {
        guard let input = descriptor else {
            throw ChannelError.alreadyClosed
        }
        let channel = try await NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler) }
            }
            .takingOwnershipOfDescriptor(input: input.rawValue)
            .get()
        descriptor = nil
        return channel
    }
}
