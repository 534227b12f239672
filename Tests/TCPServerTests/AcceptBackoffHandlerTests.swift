import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import TCPServer

@Suite struct AcceptBackoffHandlerTests {
    private let channel = EmbeddedChannel()
    private let limit = ConnectionLimit()

    init() throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.channel.allowOptionsWhenClosed = true
        try self.channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler(limit: self.limit, logger: logger))
    }

    private func fail(_ code: Int32) {
        self.channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
    }

    /// What `autoRead` was set to last.
    private var isReading: Bool? {
        let option = self.channel.options.first { $0.option is ChannelOptions.Types.AutoReadOption }
        return option?.value as? Bool
    }

    @Test(arguments: [EMFILE, ENFILE, ENOMEM, ENOBUFS])
    func withoutDescriptorsItWaitsAndGoesOn(_ code: Int32) {
        self.fail(code)
        #expect(self.isReading == false)
        self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(99))
        #expect(self.isReading == false)
        self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(self.isReading == true)
    }

    @Test func manyErrorsAreOnePause() {
        for _ in 0..<100 {
            self.fail(EMFILE)
        }
        #expect(self.isReading == false)
        self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(100))
        #expect(self.isReading == true)
    }

    @Test func againAndAgain() {
        for _ in 1...5 {
            self.fail(EMFILE)
            #expect(self.isReading == false)
            self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(100))
            #expect(self.isReading == true)
        }
    }

    @Test func aClientThatLeftBeforeItWasAcceptedIsNoReasonToWait() {
        self.fail(ECONNABORTED)
        #expect(self.isReading == nil)
    }

    @Test func connectionsBeyondTheLimitWaitUntilOthersHaveEnded() throws {
        self.channel.connect(to: try SocketAddress(unixDomainSocketPath: "listening"), promise: nil)
        self.limit.set(2, batch: 1)
        self.limit.opened()
        self.channel.read()
        #expect(self.isReading == nil)
        self.limit.opened()
        self.channel.read()
        #expect(self.isReading == false)
        self.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(self.isReading == false)
        self.limit.closed()
        self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(10))
        #expect(self.isReading == true)
    }
}
