import Glibc

/// A process as `/proc` shows it.
package struct ServerProcess: Equatable {
    package let pid: pid_t
    /// In clock ticks since the machine's boot: the same id with another start is another process.
    let start: UInt64
    /// The name of the program.
    let name: String

    /// - Returns: `nil` if the process does not exist, or has ended and waits to be reaped.
    package init?(_ pid: pid_t) {
        guard let statistics = ProcessFiles().statistics(of: pid), !statistics.hasEnded, let start = statistics.start
        else {
            return nil
        }
        self.pid = pid
        self.start = start
        self.name = statistics.name
    }

    /// Whether the process still lives.
    package var isAlive: Bool {
        ServerProcess(self.pid) == self
    }

    /// Whether the process runs this program and is not this process.
    package var isServer: Bool {
        self.pid != getpid() && self.name == ServerProcess(getpid())?.name
    }

    /// Whether the process runs this program in this directory. A stale pid file may name any process by now.
    package func serves(in directory: String) -> Bool {
        guard self.isServer else {
            return false
        }
        let own = FileIdentity(ofPath: directory)
        return own != nil && own == ProcessFiles().workingDirectory(of: self.pid)
    }
}
