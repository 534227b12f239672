import Glibc

/// A moment as a calendar date and time, in UTC.
struct CalendarDate {
    private var parts = tm()
    private let nanoseconds: Int

    init(_ time: timespec) {
        var seconds = time.tv_sec
        gmtime_r(&seconds, &self.parts)
        self.nanoseconds = time.tv_nsec
    }

    /// `2026-01-31`
    var day: String {
        "\(Self.digits(self.parts.tm_year + 1900, 4))-\(Self.digits(self.parts.tm_mon + 1))-\(Self.digits(self.parts.tm_mday))"
    }

    /// `23:59:59`
    func time(separator: Character = ":") -> String {
        [self.parts.tm_hour, self.parts.tm_min, self.parts.tm_sec].map { Self.digits($0) }
            .joined(separator: String(separator))
    }

    /// `000`
    var milliseconds: String {
        Self.digits(Int32(truncatingIfNeeded: self.nanoseconds / 1_000_000), 3)
    }

    /// `2026-01-31T23:59:59.000Z`
    var rfc3339: String {
        "\(self.day)T\(self.time()).\(self.milliseconds)Z"
    }

    private static func digits(_ value: Int32, _ count: Int = 2) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
