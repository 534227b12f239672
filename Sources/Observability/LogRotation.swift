import Glibc
import Text

/// The rules for rotating a log file, naming old ones and removing them: those of lumberjack, as in RoadRunner.
package struct LogRotation: Sendable, Hashable {
    /// The maximum size of a file in bytes. Only a longer entry, alone in its file, exceeds it.
    package var maximumSize: Int
    /// The days after which an old file is removed.
    package var maximumAge: Int
    /// The number of old files that are kept.
    package var maximumBackups: Int

    /// All at least 1.
    package init(maximumSize: Int, maximumAge: Int, maximumBackups: Int) {
        self.maximumSize = maximumSize
        self.maximumAge = maximumAge
        self.maximumBackups = maximumBackups
    }

    /// Whether a file must be rotated before bytes are added.
    func isDue(size: Int, adding count: Int) -> Bool {
        size > 0 && count > self.maximumSize - size
    }

    /// `app.log` becomes `app-2026-01-31T23-59-59.000.log`, in UTC.
    static func backupName(of name: String, at time: timespec) -> String {
        let (stem, suffix) = self.parts(of: name)
        return "\(stem)-\(self.stamp(time))\(suffix)"
    }

    /// The files of a directory that are old files of this name and must be removed.
    ///
    /// - Parameter files: Names of any files; compressed ones that RoadRunner has left count, too.
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
        // Limit the age to dates that the calendar can represent.
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

    /// Stamps sort in the order of their times.
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
