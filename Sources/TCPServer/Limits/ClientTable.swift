import Addresses

/// What is known of each client address: its open connections, and the bucket of its new ones.
///
/// Bounded: the counts by the number of open connections, the buckets by two generations of ``mostBuckets``. A bucket
/// that has had the time to fill is forgotten, which changes nothing; under more addresses than there are buckets the
/// oldest ones are, and those clients begin anew.
struct ClientTable {
    /// The most buckets of a generation.
    static let mostBuckets = 1 << 15

    private var open: [IPAddress: Int] = [:]
    private var recent: [IPAddress: RateBucket] = [:]
    private var earlier: [IPAddress: RateBucket] = [:]
    /// When the recent generation becomes the earlier one.
    private var turnAt: UInt64 = 0

    /// Addresses that count as one: an IPv4 address, or a /64 of IPv6, which is what one customer gets at least.
    static func key(of address: IPAddress) -> IPAddress {
        address.isIPv4 ? address : address.prefix(64)
    }

    /// - Parameter key: Of ``key(of:)``, as below.
    func openCount(_ key: IPAddress) -> Int {
        self.open[key] ?? 0
    }

    mutating func opened(_ key: IPAddress) {
        self.open[key, default: 0] += 1
    }

    mutating func closed(_ key: IPAddress) {
        guard let count = self.open[key], count > 1 else {
            self.open[key] = nil
            if self.open.isEmpty {
                // Free the memory of many addresses once they are gone.
                self.open = [:]
            }
            return
        }
        self.open[key] = count - 1
    }

    func room(_ key: IPAddress, _ rate: Rate, at now: UInt64) -> Int {
        self.bucket(key).room(rate, at: now)
    }

    mutating func take(_ key: IPAddress, _ rate: Rate, at now: UInt64) {
        var bucket = self.bucket(key)
        bucket.take(rate, at: now)
        if now >= self.turnAt || self.recent.count >= Self.mostBuckets {
            // All of the earlier generation were full by the time that the recent one began to be old.
            self.earlier = self.recent
            self.recent = [:]
            self.turnAt = now + rate.span
        }
        self.recent[key] = bucket
    }

    private func bucket(_ key: IPAddress) -> RateBucket {
        self.recent[key] ?? self.earlier[key] ?? RateBucket()
    }

    /// Addresses with a bucket.
    var bucketCount: Int {
        self.recent.count + self.earlier.count
    }

    /// Addresses with open connections.
    var openAddresses: Int {
        self.open.count
    }
}
