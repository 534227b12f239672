import Goridge
import NIOCore

/// The reason why a frame is not an answer.
struct AnswerFault: Error {
    let reason: String
}

extension Frame {
    /// The context and the body of an answer.
    func answer() throws(AnswerFault) -> (context: ByteBuffer, body: ByteBuffer) {
        guard !self.streamFlags.contains(.stream) else {
            throw AnswerFault(reason: "a streamed answer, which this service does not support")
        }
        guard self.optionCount == 1 else {
            throw AnswerFault(
                reason: "an answer with \(self.optionCount) options instead of one, the length of its context"
            )
        }
        var body = self.payload
        guard let length = Int(exactly: self.firstOption), let context = body.readSlice(length: length) else {
            throw AnswerFault(
                reason: "an answer whose context of \(self.firstOption) bytes is longer than its payload of "
                    + "\(self.payload.readableBytes)"
            )
        }
        return (context, body)
    }
}
