import Foundation

/// A pseudo-terminal; what is written to it is gathered.
final class Terminal: Sendable {
    let path: String
    let log: LineLog
    /// It stays a terminal for as long as somebody has it open.
    private let descriptor: Int32

    init() throws {
        var (main, other) = (Int32(-1), Int32(-1))
        var name = [CChar](repeating: 0, count: 128)
        try check(openpty(&main, &other, &name, nil, nil), "openpty")
        for descriptor in [main, other] {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        self.path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        self.descriptor = other
        self.log = LineLog(reading: main)
    }

    deinit {
        close(self.descriptor)
    }
}
