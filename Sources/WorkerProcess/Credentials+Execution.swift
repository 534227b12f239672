import Glibc

// Between fork and exec of a process with threads setuid(3) may wait for ever: glibc has it done by every thread, and
// those are not there in the child. So a command that runs as somebody else is run by this program: a process of its own
// becomes that user, and then the command.
extension Credentials {
    /// The subcommand of this program that does so, not shown to users: its arguments are the ids of user and group,
    /// `--`, and the command.
    package static let command = "run-as"

    /// What a process is to become.
    package init(userID: UInt32, groupID: UInt32) {
        self.userID = userID
        self.groupID = groupID
    }

    /// Takes on the user and group, with no other group, and becomes the command.
    ///
    /// - Parameter arguments: The program, looked for in `PATH` unless it has a `/`, and its arguments.
    /// - Throws: ``Failure`` when that cannot be.
    package func execute(_ arguments: [String]) throws(Failure) -> Never {
        var groups = [self.groupID]
        guard setgroups(1, &groups) == 0, setgid(self.groupID) == 0, setuid(self.userID) == 0 else {
            let reason = String(cString: strerror(errno))
            throw Failure(description: "cannot become user \(self.userID), group \(self.groupID): \(reason)")
        }
        // What of this thread and program is inherited.
        for number in 1..<NSIG {
            signal(number, SIG_DFL)
        }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        pthread_sigmask(SIG_SETMASK, &noSignals, nil)
        let program = arguments.first ?? ""
        var pointers = arguments.map { strdup($0) } + [nil]
        execvp(program, &pointers)
        let reason = String(cString: strerror(errno))
        throw Failure(description: "cannot run `\(program)` as user \(self.userID): \(reason)")
    }
}
