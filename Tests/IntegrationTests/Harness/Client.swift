import Foundation

/// A client's connection. Its calls block, none of them for ever.
final class Client: @unchecked Sendable {
    /// How the other side ended the connection.
    enum Ending: Hashable {
        case closed
        case reset
    }

    /// The client's own address, as the worker is to see it; `@` on a unix socket.
    let localAddress: String

    private let descriptor: Int32
    /// Bytes received and not asked for yet.
    private var received = Data()
    private var isClosed = false

    /// - Parameters:
    ///   - receiveBuffer: bytes that the kernel keeps at most; small for a client that is to be slow
    ///   - source: the client's own address, of 127.0.0.0/8
    init(_ endpoint: Endpoint, receiveBuffer: Int? = nil, from source: String? = nil) throws {
        self.descriptor = try endpoint.connectedSocket(receiveBuffer: receiveBuffer, from: source)
        self.localAddress = endpoint.port == nil ? "@" : Endpoint.localAddress(of: self.descriptor)
    }

    deinit {
        self.close()
    }

    // Leaving

    func close() {
        if !self.isClosed {
            self.isClosed = true
            Glibc.close(self.descriptor)
        }
    }

    /// Leaves with a reset, as a client does that crashes.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        self.close()
    }

    /// Says that nothing more will be sent.
    func endSending() throws {
        try check(shutdown(self.descriptor, Int32(SHUT_WR)), "shutdown")
    }

    // Sending

    func send(_ text: String) throws {
        try self.send(Data(text.utf8))
    }

    func send(_ data: Data) throws {
        let deadline = Deadline()
        var rest = data[...]
        while !rest.isEmpty {
            let flags = Int32(MSG_NOSIGNAL)
            let count = rest.withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, flags) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                try self.poll(POLLOUT, deadline, "\(rest.count) bytes to be taken")
            } else if errno != EINTR {
                throw SystemError("send")
            }
        }
    }

    /// Sends the data again and again until nothing has been taken for `patience` milliseconds.
    ///
    /// - Returns: the bytes that were taken
    func sendWhatGoes(_ data: Data, atMost times: Int, patience: Int32 = 500) throws -> Int {
        var sent = 0
        while sent < times * data.count {
            let rest = data.dropFirst(sent % data.count)
            let count = rest.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                var entry = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                guard Glibc.poll(&entry, 1, patience) > 0 else {
                    return sent
                }
            } else if errno != EINTR {
                throw SystemError("send")
            }
        }
        return sent
    }

    // Receiving

    func read(_ count: Int, within duration: Duration = Deadline.patience) throws -> Data {
        let deadline = Deadline(duration)
        while self.received.count < count {
            guard try self.receive(deadline, "\(count) bytes") else {
                throw UnexpectedEnd(received: self.received)
            }
        }
        return self.take(count)
    }

    /// The bytes up to the end that is given, which is not among them.
    func read(until end: String, within duration: Duration = Deadline.patience) throws -> String {
        let deadline = Deadline(duration)
        while true {
            if let range = self.received.range(of: Data(end.utf8)) {
                let text = String(decoding: self.received[..<range.lowerBound], as: UTF8.self)
                _ = self.take(range.upperBound - self.received.startIndex)
                return text
            }
            guard try self.receive(deadline, "a line") else {
                throw UnexpectedEnd(received: self.received)
            }
        }
    }

    /// What comes until it is so much, or the other side ends the connection in any way, or the time is over.
    ///
    /// - Returns: The bytes, and whether more may come.
    func readWhatComes(atMost count: Int, within duration: Duration) throws -> (bytes: Data, isOpen: Bool) {
        let deadline = Deadline(duration)
        var isOpen = true
        do {
            while isOpen, self.received.count < count {
                isOpen = try self.receive(deadline, "\(count) bytes")
            }
        } catch is TimeoutError {
            // That is all.
        } catch let error as SystemError where error.code == ECONNRESET {
            isOpen = false
        }
        return (self.take(min(count, self.received.count)), isOpen)
    }

    func readLine(within duration: Duration = Deadline.patience) throws -> String {
        try self.read(until: "\r\n", within: duration)
    }

    /// Everything up to the connection's end.
    func readToEnd(within duration: Duration = Deadline.patience) throws -> Data {
        let deadline = Deadline(duration)
        while try self.receive(deadline, "the end of the connection") {}
        return self.take(self.received.count)
    }

    /// Waits for the connection's end, whatever comes before.
    @discardableResult
    func awaitEnd(within duration: Duration = Deadline.patience) throws -> Ending {
        do {
            _ = try self.readToEnd(within: duration)
            return .closed
        } catch let error as SystemError where error.code == ECONNRESET {
            return .reset
        }
    }

    /// Whether nothing at all has come: no byte, no end.
    var isQuiet: Bool {
        var byte: UInt8 = 0
        return self.received.isEmpty
            && recv(self.descriptor, &byte, 1, Int32(MSG_PEEK)) == -1 && errno == EAGAIN
    }

    /// Sends a line and reads one.
    func ask(_ line: String, within duration: Duration = Deadline.patience) throws -> String {
        try self.send("\(line)\r\n")
        do {
            return try self.readLine(within: duration)
        } catch var error as UnexpectedEnd {
            error.question = line
            throw error
        }
    }

    // Inside

    private func take(_ count: Int) -> Data {
        if count == self.received.count {
            defer { self.received = Data() }
            return self.received
        }
        let data = Data(self.received.prefix(count))
        self.received = Data(self.received.dropFirst(count))
        return data
    }

    /// Adds what comes next; `false` at the end.
    private func receive(_ deadline: Deadline, _ what: String) throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = recv(self.descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                self.received.append(contentsOf: buffer[..<count])
                return true
            } else if count == 0 {
                return false
            } else if errno == EAGAIN {
                try self.poll(POLLIN, deadline, what)
            } else if errno != EINTR {
                throw SystemError("recv")
            }
        }
    }

    private func poll(_ events: Int32, _ deadline: Deadline, _ what: String) throws {
        var entry = pollfd(fd: self.descriptor, events: Int16(events), revents: 0)
        let count = Glibc.poll(&entry, 1, deadline.milliseconds)
        if count == 0 {
            throw TimeoutError("\(what), having \(self.received.count) bytes: \(self.received.prefix(200).text)")
        }
    }
}

/// The connection ended before what was waited for had come.
struct UnexpectedEnd: Error, CustomStringConvertible {
    var received: Data
    var question: String?

    var description: String {
        "the connection ended after \(self.received.count) bytes: \(self.received.prefix(200).text)"
            + (self.question.map { ", having asked \($0)" } ?? "")
    }
}

extension Data {
    var text: String {
        String(decoding: self, as: UTF8.self)
    }
}
