import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How an entry becomes a line.
public enum LogFormat: Sendable, Hashable {
    /// For people: time, level, channel, message, then the metadata as `key=value`.
    case console
    /// For machines: one JSON object a line.
    case json
    /// The message alone.
    case raw
}

/// One log entry.
struct LogEntry {
    var level: Logger.Level
    /// The channel: `rr`, `server`, `tcp`.
    var channel: String
    var message: String
    var metadata: Logger.Metadata
}

extension LogFormat {
    /// The entry's line, without its end.
    func line(_ entry: LogEntry, at time: timespec) -> String {
        switch self {
        case .console:
            let level = entry.level.rawValue.uppercased()
            let metadata = entry.metadata.sorted { $0.key < $1.key }
                .map { "\($0.key)=\($0.value.description.singleLine.quotedIfNeeded)" }
                .joined(separator: " ")
            let line = "\(time.rfc3339)\t\(level)\t\(entry.channel)\t\(entry.message.singleLine)"
            return metadata.isEmpty ? line : "\(line)\t\(metadata)"
        case .json:
            var line = "{\"time\":\"\(time.rfc3339)\",\"level\":\"\(entry.level.rawValue)\""
            line += ",\"logger\":\(entry.channel.jsonQuoted),\"msg\":\(entry.message.jsonQuoted)"
            for (key, value) in entry.metadata.sorted(by: { $0.key < $1.key }) {
                line += ",\(key.jsonQuoted):\(value.description.jsonQuoted)"
            }
            return line + "}"
        case .raw:
            return entry.message
        }
    }
}

extension timespec {
    /// UTC with milliseconds.
    fileprivate var rfc3339: String {
        var seconds = self.tv_sec
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ value: some BinaryInteger, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date = "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
        let time = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
        return "\(date)T\(time).\(digits(self.tv_nsec / 1_000_000, 3))Z"
    }
}

extension String {
    /// With line ends and other control characters escaped: what a worker prints cannot forge an entry.
    fileprivate var singleLine: String {
        guard self.unicodeScalars.contains(where: { $0.breaksLine && $0 != "\t" }) else {
            return self
        }
        var text = ""
        for scalar in self.unicodeScalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\t"
            case _ where scalar.breaksLine: text += scalar.escaped
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    fileprivate var quotedIfNeeded: String {
        self.isEmpty || self.contains(where: { $0.isWhitespace || $0 == "\"" || $0 == "=" }) ? self.jsonQuoted : self
    }

    fileprivate var jsonQuoted: String {
        var text = "\""
        for scalar in self.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

extension Unicode.Scalar {
    /// Whether a terminal or a log reader may take it for more than a character of the line.
    fileprivate var breaksLine: Bool {
        self.value < 0x20 || (0x7F...0x9F).contains(self.value) || self.value == 0x2028 || self.value == 0x2029
    }

    /// `\x1b`, or `\u2028` beyond a byte.
    fileprivate var escaped: String {
        let digits = String(self.value, radix: 16)
        return self.value < 0x100 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u" + digits
    }
}
