import Glibc

/// Paths as text, the way Go's `filepath` treats them.
package enum FilePath {
    /// `path` as an absolute path without `.`, `..` and doubled slashes; a relative one counts from `directory`.
    package static func absolute(_ path: String, in directory: String) -> String {
        var parts: [Substring] = []
        let joined = path.hasPrefix("/") ? path : "\(directory)/\(path)"
        for part in joined.split(separator: "/") where part != "." {
            if part == ".." {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The directory of an absolute path.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// The last part of an absolute path; empty for `/`.
    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// The current directory of the process; `/` if it no longer exists.
    static var current: String {
        guard let buffer = getcwd(nil, 0) else { return "/" }
        defer { free(buffer) }
        return String(cString: buffer)
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Whether the path certainly does not exist. A dangling link exists, and so does a path that this user may not
    /// examine: using another file instead would hide the mistake.
    static func isAbsent(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)
    }

    /// The path without symbolic links, so that a file has one name; `path` itself if it cannot be resolved.
    static func resolved(_ path: String) -> String {
        guard let buffer = realpath(path, nil) else { return path }
        defer { free(buffer) }
        return String(cString: buffer)
    }
}
