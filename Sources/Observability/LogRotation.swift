import Glibc

/// When a log file is put aside, under which name, and which old ones go: the rules of lumberjack, RoadRunner's own.
package struct LogRotation: Sendable, Hashable {
    /// Bytes that a file may reach; only a longer entry, alone in its file, exceeds it.
    package var maximumSize: Int
    /// Days after which an old file goes.
    package var maximumAge: Int
    /// Old files that stay.
    package var maximumBackups: Int

    /// All at least 1.
    package init(maximumSize: Int, maximumAge: Int, maximumBackups: Int) {
        self.maximumSize = maximumSize
        self.maximumAge = maximumAge
        self.maximumBackups = maximumBackups
    }

    /// Whether a file is to be put aside before something is added.
    func isDue(size: Int, adding count: Int) -> Bool {
        size > 0 && count > self.maximumSize - size
    }

    /// `app.log` becomes `app-2026-01-31T23-59-59.000.log`, in UTC.
    static func backupName(of name: String, at time: timespec) -> String {
        let (stem, suffix) = self.parts(of: name)
        return "\(stem)-\(self.stamp(time))\(suffix)"
    }

    /// Which files of a directory are old ones of this name and have to go.
    ///
    /// - Parameter files: Names, of whatever files; compressed ones that RoadRunner has left count, too.
    func expired(_ files: [String], of name: String, at now: timespec) -> [String] {
        let (stem, suffix) = Self.parts(of: name)
        let old = files.compactMap { file -> (file: String, stamp: String)? in
            guard file.hasPrefix("\(stem)-") else {
                return nil
            }
            let rest = file.dropFirst(stem.count + 1)
            let ending = [suffix, "\(suffix).gz"].first {
                rest.count == Self.stampLength + $0.count && rest.hasSuffix($0)
            }
            guard ending != nil, Self.isStamp(rest.prefix(Self.stampLength)) else {
                return nil
            }
            return (file, String(rest.prefix(Self.stampLength)))
        }
        var oldest = now
        // No log file is from the year 0: the age is bounded for the calendar's sake.
        oldest.tv_sec -= min(self.maximumAge, 36_500) * 86_400
        let limit = Self.stamp(oldest)
        let newestFirst = old.sorted { ($0.stamp, $0.file) > ($1.stamp, $1.file) }
        return newestFirst.enumerated()
            .filter { $0.offset >= self.maximumBackups || $0.element.stamp < limit }
            .map(\.element.file)
    }

    /// The name before its extension, and the extension with its dot.
    private static func parts(of name: String) -> (Substring, Substring) {
        let dot = name.lastIndex(of: ".") ?? name.endIndex
        return (name[..<dot], name[dot...])
    }

    private static let stampLength = 23

    /// Stamps sort as their times do.
    private static func stamp(_ time: timespec) -> String {
        let date = CalendarDate(time)
        return "\(date.day)T\(date.time(separator: "-")).\(date.milliseconds)"
    }

    private static func isStamp(_ text: Substring) -> Bool {
        zip(text.utf8, "0000-00-00T00-00-00.000".utf8).allSatisfy { byte, shape in
            shape == UInt8(ascii: "0") ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) : byte == shape
        }
    }
}
