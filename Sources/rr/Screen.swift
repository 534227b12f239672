import Application
import Configuration
import Glibc
import NIOCore
import Synchronization

/// The whole terminal, for output that is painted again and again. What was on it comes back.
struct Screen {
    struct Failure: Error, CustomStringConvertible {
        let description = "-i needs a terminal; `rr workers --json` does not"
    }

    /// How the terminal was set before.
    private static let saved = Mutex<termios?>(nil)

    /// Whether the output is a terminal that shows colours, see https://no-color.org.
    static var isColourful: Bool {
        let environment = ProcessEnvironment.variables
        return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// Takes the terminal. Keys come one by one and unseen, Ctrl-C among them. ``restore()`` gives it back.
    init() throws {
        var settings = termios()
        guard isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 else {
            throw Failure()
        }
        let before = settings
        Self.saved.withLock { $0 = before }
        ProcessSignals.leaveWhenAsked { Screen.restore() }
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        // The other screen, no cursor, and no new line where a line is too long.
        Self.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l")
    }

    /// Gives the terminal back, once; on any thread.
    static func restore() {
        let before = self.saved.withLock { $0.take() }
        guard var before else {
            return
        }
        self.write("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    /// Paints over what is there, in one write: nothing flickers.
    func paint(_ lines: [String], footer: String) {
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0
        let height = max(2, isKnown ? Int(size.ws_row) : 24)
        var shown = lines
        if shown.count > height - 1 {
            let hidden = shown.count - (height - 2)
            shown = Array(shown.prefix(height - 2)) + ["… and \(hidden) more lines"]
        }
        let text = (shown + [footer]).joined(separator: "\u{1B}[K\n")
        Self.write("\u{1B}[H\(text)\u{1B}[K\u{1B}[J")
    }

    /// Waits.
    ///
    /// - Returns: `false` as soon as q or Ctrl-C is pressed, or the terminal is gone.
    func goesOn(within time: TimeAmount) -> Bool {
        let deadline = NIODeadline.now() + time
        while true {
            let rest = deadline - .now()
            guard rest > .zero else {
                return true
            }
            var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, Int32(clamping: rest.nanoseconds / 1_000_000 + 1)) > 0 else {
                continue
            }
            var key: UInt8 = 0
            let count = read(STDIN_FILENO, &key, 1)
            guard count > 0 || (count < 0 && errno == EINTR) else {
                return false
            }
            if count == 1, [UInt8(ascii: "q"), UInt8(ascii: "Q"), 3, 4].contains(key) {
                return false
            }
        }
    }

    private static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(STDOUT_FILENO, rest.baseAddress, rest.count)
                guard count > 0 || errno == EINTR || errno == EAGAIN else {
                    return
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(0, count)))
            }
        }
    }
}
