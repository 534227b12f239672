import Configuration
import Glibc

/// The environment of this process; read here and handed down.
enum ProcessEnvironment {
    /// Read once at the start, before a second thread exists.
    static var variables: EnvironmentVariables {
        var entries: [[UInt8]] = []
        var entry = environ
        while let text = entry.pointee {
            entries.append(Array(UnsafeBufferPointer(start: text, count: strlen(text))).map { UInt8(bitPattern: $0) })
            entry += 1
        }
        return EnvironmentVariables(entries: entries)
    }
}
