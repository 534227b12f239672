#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The environment of this process; read here and handed down.
enum ProcessEnvironment {
    /// Read once at the start, before there is a second thread.
    static var variables: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let line = String(cString: text)
            if let separator = line.firstIndex(of: "=") {
                variables[String(line[..<separator])] = String(line[line.index(after: separator)...])
            }
            entry += 1
        }
        return variables
    }
}
