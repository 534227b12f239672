import YAML

extension SectionReader {
    /// The meaning of a duration of zero.
    package enum DurationBounds: Sendable {
        /// Zero means zero, or off.
        case zeroAllowed
        /// Zero stands for the default, as in RoadRunner.
        case zeroIsDefault
        /// The same, with a warning: the author probably meant no time at all.
        case zeroIsOddDefault
    }

    /// Reads a duration and notes it: Go's form, or a whole number of `unit` (docs/configuration.md).
    ///
    /// - Returns: `nil` when it is absent or stands for the default.
    mutating func duration(
        _ key: String,
        default fallback: Duration?,
        _ bounds: DurationBounds,
        wholeNumbersAre unit: Duration
    ) throws(ConfigurationError) -> Duration? {
        let found = try duration(key, wholeNumbersAre: unit)
        if let (duration, place) = found, bounds == .zeroAllowed || duration > .zero {
            note(key, .text(GoDuration.format(duration)), from: place)
            return duration
        }
        if let found, let fallback, bounds == .zeroIsOddDefault {
            let text = GoDuration.format(fallback)
            diagnostics.warn(
                found.1.warning("0 stands for the default, \(text); use a short time such as 1s", key: path(key)))
        }
        return nil
    }

    private func duration(
        _ key: String,
        wholeNumbersAre unit: Duration
    ) throws(ConfigurationError) -> (Duration, SourcePlace)? {
        guard let (scalar, place) = try nonEmptyScalar(key) else { return nil }
        let nanoseconds: Int64
        switch scalar.scalar.resolved {
        case .integer(let number):
            nanoseconds = try whole(number, of: unit, key: key, at: place)
        default:
            let text = Self.trimmed(scalar.scalar.text)
            if let number = YAMLScalar.parseInteger(text) {
                nanoseconds = try whole(number, of: unit, key: key, at: place)
            } else {
                nanoseconds = try parsed(text, key: key, at: place)
            }
        }
        guard nanoseconds >= 0 else {
            throw place.error(.outOfRange, "\(scalar.scalar.text) is negative", key: path(key), fix: "use 0s or more")
        }
        return (.nanoseconds(nanoseconds), place)
    }

    private func whole(
        _ number: Int,
        of unit: Duration,
        key: String,
        at place: SourcePlace
    ) throws(ConfigurationError) -> Int64 {
        let (product, overflow) = Int64(number).multipliedReportingOverflow(by: GoDuration.nanoseconds(unit))
        guard !overflow else { throw place.error(.outOfRange, "\(number) is too long a time", key: path(key)) }
        if unit == .nanoseconds(1), number > 0, number < 1_000_000 {
            diagnostics.warn(
                place.warning(
                    "\(number) without a unit is \(number) nanoseconds; did you mean `\(number)s`?",
                    key: path(key)
                )
            )
        }
        return product
    }

    private func parsed(_ text: String, key: String, at place: SourcePlace) throws(ConfigurationError) -> Int64 {
        do throws(GoDuration.Fault) {
            return try GoDuration.parse(text)
        } catch {
            let fix = "durations look like 250ms, 60s, 1h30m"
            switch error {
            case .malformed: throw place.error(.invalidValue, "`\(text)` is not a duration", key: path(key), fix: fix)
            case .missingUnit:
                throw place.error(
                    .invalidValue, "a unit is missing in the duration `\(text)`", key: path(key), fix: fix)
            case .unknownUnit(let unit):
                throw place.error(
                    .invalidValue,
                    "`\(unit)` is no unit of time in `\(text)`",
                    key: path(key),
                    fix: "units are ns, us, ms, s, m, h"
                )
            case .overflow:
                throw place.error(
                    .outOfRange, "`\(text)` is too long a time", key: path(key), fix: "use at most 292 years")
            }
        }
    }
}
