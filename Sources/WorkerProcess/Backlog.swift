import NIOCore

/// The unfinished requests and probes that were written to a worker, in the order in which it reads them.
struct Backlog: Sendable {
    struct Request: Sendable {
        /// Whether it is the last event of its connection, which a worker need not answer.
        let isClose: Bool
        /// The number of bytes written to the worker before it.
        let start: Int
    }

    enum Entry: Sendable {
        case request(Request)
        /// A control frame that the worker replies to.
        case probe
    }

    /// The entry that the worker is handling, or reads next.
    private(set) var first: Entry?
    private var others = CircularBuffer<Entry>()
    /// The number of entries that are requests.
    private(set) var requests = 0
    /// The number of requests that are a `CLOSE`.
    private(set) var closes = 0

    var last: Entry? {
        self.others.last ?? self.first
    }

    /// The start of the first request; only a probe may precede it.
    var firstStart: Int? {
        if case .request(let request) = self.first {
            return request.start
        }
        guard case .request(let request) = self.others.first else {
            return nil
        }
        return request.start
    }

    /// Whether anything was written after the first entry.
    var isFollowed: Bool {
        !self.others.isEmpty
    }

    /// Whether the first entry is a probe, or has one behind it, of a worker that has a probe between each two requests.
    var hasProbe: Bool {
        if case .request = self.first { self.isFollowed } else { self.first != nil }
    }

    mutating func append(_ request: Request) {
        self.requests += 1
        if request.isClose {
            self.closes += 1
        }
        if self.first == nil {
            self.first = .request(request)
        } else {
            self.others.append(.request(request))
        }
    }

    mutating func appendProbe() {
        if self.first == nil {
            self.first = .probe
        } else {
            self.others.append(.probe)
        }
    }

    mutating func removeFirst() {
        if case .request(let request) = self.first {
            self.requests -= 1
            if request.isClose {
                self.closes -= 1
            }
        }
        self.first = self.others.isEmpty ? nil : self.others.removeFirst()
    }

    mutating func removeAll() {
        self = Backlog()
    }

    /// The number of requests, from the first on, that were read at least in part.
    ///
    /// - Parameter read: The most bytes that the worker has read.
    func read(_ read: Int) -> Int {
        func isRead(_ entry: Entry) -> Bool {
            if case .request(let request) = entry { request.start < read } else { false }
        }
        return (self.first.map(isRead) == true ? 1 : 0) + self.others.count(where: isRead)
    }

    /// Whether the first entry is a request that was read at least in part.
    ///
    /// - Parameter read: The most bytes that the worker has read.
    func isFirstRead(_ read: Int) -> Bool {
        if case .request(let request) = self.first { request.start < read } else { false }
    }
}
