import Glibc

/// A moment as a calendar date and time, in UTC.
package struct CalendarDate {
    private var parts = tm()
    private let nanoseconds: Int

    package init(_ time: timespec) {
        var seconds = time.tv_sec
        gmtime_r(&seconds, &self.parts)
        self.nanoseconds = time.tv_nsec
    }

    /// `2026-01-31`
    package var day: String {
        "\((self.parts.tm_year + 1900).digits(4))-\((self.parts.tm_mon + 1).digits(2))-\(self.parts.tm_mday.digits(2))"
    }

    /// `23:59:59`
    package func time(separator: Character = ":") -> String {
        [self.parts.tm_hour, self.parts.tm_min, self.parts.tm_sec].map { $0.digits(2) }
            .joined(separator: String(separator))
    }

    /// `000`
    package var milliseconds: String {
        (self.nanoseconds / 1_000_000).digits(3)
    }

    /// `2026-01-31T23:59:59.000Z`
    package var rfc3339: String {
        "\(self.day)T\(self.time()).\(self.milliseconds)Z"
    }
}
