/// Quantiles of the values of the last eight to ten minutes, as a summary with objectives tells them: five sketches of
/// two minutes each, of which the oldest is given up when a new one begins.
struct QuantileWindow: Sendable {
    static let sketchCount = 5
    /// How long a sketch takes values, in nanoseconds.
    static let turn: Int64 = 120 * 1_000_000_000
    /// The most values that wait to be added: adding many at once is cheaper.
    static let mostWaiting = 500

    /// The most memory, roughly, in bytes.
    static let cost = sketchCount * QuantileSketch.mostClusters * 16 + 2 * mostWaiting * 8

    /// The last one takes values.
    private var sketches = Array(repeating: QuantileSketch(), count: sketchCount)
    /// When the next sketch begins.
    private var endOfTurn: Int64
    private var waiting: [Double] = []

    init(at now: Int64) {
        self.endOfTurn = now + Self.turn
    }

    mutating func add(_ value: Double, at now: Int64) {
        self.advance(to: now)
        self.waiting.append(value)
        if self.waiting.count >= Self.mostWaiting {
            self.flush()
        }
    }

    /// The values of quantiles, in their order; NaN without values.
    mutating func values(of quantiles: [Double], at now: Int64) -> [Double] {
        self.advance(to: now)
        self.flush()
        var all = QuantileSketch()
        for sketch in self.sketches {
            all.add(sketch)
        }
        return quantiles.map { all.value(of: $0) ?? .nan }
    }

    private mutating func advance(to now: Int64) {
        guard now >= self.endOfTurn else {
            return
        }
        self.flush()
        let turns = (now - self.endOfTurn) / Self.turn + 1
        for _ in 0..<min(turns, Int64(Self.sketchCount)) {
            self.sketches.removeFirst()
            self.sketches.append(QuantileSketch())
        }
        self.endOfTurn += turns * Self.turn
    }

    private mutating func flush() {
        guard !self.waiting.isEmpty else {
            return
        }
        self.waiting.sort()
        self.sketches[Self.sketchCount - 1].add(self.waiting)
        self.waiting.removeAll(keepingCapacity: true)
    }
}
