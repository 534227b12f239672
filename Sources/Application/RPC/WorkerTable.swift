import JSON
import Text

/// The table of `rr workers`, as RoadRunner prints it.
package struct WorkerTable: Sendable {
    private struct Row {
        var processID: Int
        var status: String
        var jobs: Int
        var memory: Int
        var processorPercent: Double
        /// Seconds since 1970.
        var created: Double

        init(_ worker: JSONValue) {
            self.processID = worker["pid"]?.integer() ?? 0
            self.status = (worker["statusStr"]?.string ?? "").singleLine()
            self.jobs = worker["numExecs"]?.integer() ?? 0
            self.memory = worker["memoryUsage"]?.integer() ?? 0
            self.processorPercent = worker["CPUPercent"]?.double ?? 0
            self.created = (worker["created"]?.double ?? 0) / 1e9
        }
    }

    private enum Alignment {
        case left, right
    }

    private static let columns: [(title: String, alignment: Alignment)] = [
        ("PID", .right), ("STATUS", .left), ("EXECS", .right), ("MEMORY", .left), ("CPU%", .right), ("CREATED", .left),
    ]

    private let rows: [Row]

    /// - Parameter answer: What `informer.Workers` has answered; `nil` if it is something else.
    package init?(_ answer: JSONValue) {
        switch answer["workers"] {
        case .null: self.rows = []
        case .array(let workers): self.rows = workers.map { Row($0) }.sorted { $0.processID < $1.processID }
        default: return nil
        }
    }

    package var isEmpty: Bool {
        self.rows.isEmpty
    }

    /// Lines of at most 80 characters, unless a number is huge.
    ///
    /// - Parameters:
    ///   - now: Seconds since 1970.
    ///   - isColourful: Whether a status has its colour.
    package func lines(now: Double, isColourful: Bool) -> [String] {
        let cells = self.rows.map { row in
            [
                "\(row.processID)", row.status, row.jobs.withCommas, row.memory.humanBytes,
                row.processorPercent.percent,
                Self.age(now - row.created),
            ]
        }
        let widths = Self.columns.indices.map { column in
            max(Self.columns[column].title.count, cells.map { $0[column].count }.max() ?? 0)
        }
        let border = "+" + widths.map { String(repeating: "-", count: $0 + 2) + "+" }.joined()
        let header = zip(Self.columns, widths).map { column, width in Self.centred(column.title, width) }
        var lines = [border, "| " + header.joined(separator: " | ") + " |", border]
        for row in cells {
            let padded = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                let text = isColourful && column == 1 ? Self.coloured(row[column]) : row[column]
                return Self.columns[column].alignment == .right ? space + text : text + space
            }
            lines.append("| " + padded.joined(separator: " | ") + " |")
        }
        return lines + [border]
    }

    private static func centred(_ text: String, _ width: Int) -> String {
        let space = width - text.count
        return String(repeating: " ", count: space / 2) + text + String(repeating: " ", count: space - space / 2)
    }

    private static func coloured(_ status: String) -> String {
        let colour: Int? =
            switch status {
            case "ready": 36
            case "working": 32
            case "inactive", "invalid": 33
            case "stopped", "errored": 31
            default: nil
            }
        return colour.map { "\u{1B}[\($0)m\(status)\u{1B}[0m" } ?? status
    }

    /// How long ago something was, in the largest unit.
    static func age(_ seconds: Double) -> String {
        let seconds = seconds.isFinite ? Int(max(0, min(seconds, 1e12))) : 0
        let units = [(365 * 86_400, "year"), (30 * 86_400, "month"), (7 * 86_400, "week"), (86_400, "day")]
        let all = units + [(3600, "hour"), (60, "minute"), (1, "second")]
        guard let (length, name) = all.first(where: { seconds >= $0.0 }) else {
            return "now"
        }
        let count = seconds / length
        return "\(count) \(name)\(count == 1 ? "" : "s") ago"
    }
}

extension Int {
    /// `1,396`.
    var withCommas: String {
        var text = ""
        for (index, digit) in String(self.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (self < 0 ? "-" : "") + String(text.reversed())
    }

    /// Bytes in powers of 1000: `45 MB`, and `9.5 MB` below ten.
    var humanBytes: String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        var value = Double(Swift.max(0, self))
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        guard unit > 0, value < 9.95 else {
            return "\(Int(value.rounded())) \(units[unit])"
        }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}

extension Double {
    /// With two decimals.
    var percent: String {
        let hundredths = self.isFinite ? Int((Swift.max(0, Swift.min(self, 1e9)) * 100).rounded()) : 0
        return "\(hundredths / 100).\((hundredths % 100).digits(2))"
    }
}
