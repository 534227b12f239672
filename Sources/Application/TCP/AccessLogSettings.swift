import Configuration
import Logging
import NIOCore
import TCPServer

/// `access_log`: a line for each connection when it has ended.
struct AccessLogSettings: Sendable, Equatable {
    enum Level: String, Sendable, Equatable, CaseIterable {
        case off, debug, info, warning, error
    }

    var level = Level.off
    var sample = 1.0
    /// Zero: none is slow.
    var slow = Duration.zero
    var empty = false

    static let section = Section(Self()) {
        Key(
            "level", \.level, .choice(), marks: .ours,
            "Of a line for each connection that has ended, and for [refused clients](#timeouts-and-limits).",
            default: "off"
        )
        Key("sample", \.sample, .share, marks: .ours, "The share of connections that have a line.", default: "1")
        Key(
            "slow", \.slow, .duration(.zeroAllowed), marks: .ours,
            "So do all with an event that has waited or taken so long. 0: off.", default: "0s"
        )
        Key(
            "empty", \.empty, .bool, marks: .ours, "Whether those have a line that sent no packet, as probes do.",
            default: "false"
        )
    }
}

extension AccessLogRules {
    /// `nil` if it is off.
    init?(_ settings: AccessLogSettings) {
        let level: Logger.Level
        switch settings.level {
        case .off: return nil
        case .debug: level = .debug
        case .info: level = .info
        case .warning: level = .warning
        case .error: level = .error
        }
        let slow = settings.slow > .zero ? TimeAmount(clamping: settings.slow) : nil
        self.init(level: level, sample: settings.sample, slow: slow, includesEmpty: settings.empty)
    }
}

extension ValueKind<Double> {
    /// 0 to 1.
    fileprivate static var share: ValueKind {
        ValueKind(
            type: "number",
            range: "0…1",
            effective: { .scalar(.text("\($0)")) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let (scalar, place) = try reader.nonEmptyScalar(key) else { return nil }
                let text = SectionReader.trimmed(scalar.text)
                guard let share = Double(text), (0...1).contains(share) else {
                    throw place.error(
                        .outOfRange, "`\(text)` is no share", key: reader.path(key), fix: "use 0...1, as in 0.01")
                }
                reader.note(key, .text(text), from: place)
                return share
            }
        )
    }
}
