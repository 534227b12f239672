import Foundation

/// A pipe with a name that nobody reads yet: the standard error of an `rr`.
struct StuckPipe {
    let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        try check(mkfifo(path, 0o600), "mkfifo")
        self.descriptor = try check(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open \(path)")
        _ = fcntl(self.descriptor, F_SETFL, 0)
    }

    /// One worker, and JSON into the pipe.
    var settings: Settings {
        get throws {
            var settings = try Settings(workers: 1, more: "logs: {mode: production}")
            settings.launcher = ["/bin/sh", "-c", #"exec "$@" 2>"\#(self.path)""#, "sh"]
            return settings
        }
    }

    /// The end to read from; the caller closes it.
    func release() -> Int32 {
        self.descriptor
    }
}
