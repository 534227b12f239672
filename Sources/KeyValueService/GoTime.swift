import KeyValue
import NIOCore
import Text

/// Absolute times on the wire: RFC 3339, read and refused as Go's `time.Parse` does it, error texts included.
enum GoTime {
    /// - Throws: A text such as `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`.
    static func parse(_ bytes: ByteBuffer) throws(RFC3339Error) -> UnixMilliseconds {
        try bytes.withUnsafeReadableBytes { self.parse($0) }.get()
    }

    static func parse(_ bytes: UnsafeRawBufferPointer) -> Result<UnixMilliseconds, RFC3339Error> {
        var reader = RFC3339Reader(bytes)
        do throws(RFC3339Error) {
            return .success(try reader.read())
        } catch {
            return .failure(error)
        }
    }

    /// The whole second, such as `2026-11-25T11:00:00+00:00`: PHP's clients do not read fractions. A time that four digits
    /// of a year cannot tell becomes the nearest that they can.
    static func format(_ time: UnixMilliseconds) -> String {
        let seconds = min(max(floorDivide(time, 1000), -62_167_219_200), 253_402_300_799)
        let days = self.floorDivide(seconds, 86_400)
        let rest = seconds - days * 86_400
        let date = CivilDate(days: days)
        return "\(date.year.digits(4))-\(date.month.digits(2))-\(date.day.digits(2))T"
            + "\((rest / 3600).digits(2)):\((rest / 60 % 60).digits(2)):\((rest % 60).digits(2))+00:00"
    }

    private static func floorDivide(_ number: Int64, _ divisor: Int64) -> Int64 {
        number / divisor - (number % divisor < 0 ? 1 : 0)
    }
}

/// A date of the Gregorian calendar, also for years before it.
struct CivilDate {
    let year: Int64
    let month: Int64
    let day: Int64

    /// - Parameter days: Since 1970-01-01, not before the year 0.
    init(days: Int64) {
        // Years are counted from the first of March, so that a leap day is the last of its year; and from 400 years before
        // the year 0, so that nothing is negative.
        let shifted = days + 719_468 + 146_097
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        self.month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        self.year = yearOfEra + era * 400 - 400 + (self.month <= 2 ? 1 : 0)
    }

    /// - Returns: Days since 1970-01-01.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = year + 400 - (month <= 2 ? 1 : 0)
        let era = marchYear / 400
        let yearOfEra = marchYear % 400
        let marchMonth = (month + 9) % 12
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468 - 146_097
    }

    static func dayCount(year: Int64, month: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        switch month {
        case 2: return isLeap ? 29 : 28
        case 4, 6, 9, 11: return 30
        default: return 31
        }
    }
}
