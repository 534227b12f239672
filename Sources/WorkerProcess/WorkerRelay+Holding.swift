import Goridge
import NIOCore
import WorkerPool

extension WorkerRelay {
    /// Answers of so many bytes are always read: their clients take them, or get no more of them.
    private static let smallAnswer = 64 * 1024
    /// How often is looked whether there is room again.
    private static let holdTime = TimeAmount.milliseconds(20)

    /// Stops reading a large answer that has come in part while clients hold as many bytes as they may: the worker waits
    /// then, and so does its client.
    func holdLargeAnswer(_ channel: any Channel) {
        guard !self.isHeld, self.strayOutput == nil, self.decoder.undecoded.readableBytes > Self.smallAnswer,
            self.events.pendingAnswers.isFull
        else {
            return
        }
        self.isHeld = true
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        self.releaseLater(channel)
    }

    private func releaseLater(_ channel: any Channel) {
        self.eventLoop.assumeIsolated().scheduleTask(in: Self.holdTime) {
            if channel.isActive, self.events.pendingAnswers.isFull {
                self.releaseLater(channel)
            } else {
                self.isHeld = false
                // Of a closed channel there is nothing to read.
                try? channel.syncOptions?.setOption(.autoRead, value: true)
            }
        }
    }
}
