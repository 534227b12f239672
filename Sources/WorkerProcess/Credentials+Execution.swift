import Glibc

// Between fork and exec of a process with threads, setuid(3) may wait for ever: glibc makes every thread do it, and
// those threads do not exist in the child. So a command that runs as another user is started through this program: a
// separate process becomes that user, and then the command.
extension Credentials {
    /// The subcommand of this program that does so, not shown to users: its arguments are the ids of user and group,
    /// `--`, and the command.
    package static let command = "run-as"

    /// The ids that a process is to take on.
    package init(userID: UInt32, groupID: UInt32) {
        self.userID = userID
        self.groupID = groupID
    }

    /// Takes on the user and group, with no other group, and becomes the command.
    ///
    /// - Parameter arguments: The program, looked for in `PATH` unless it has a `/`, and its arguments.
    /// - Throws: ``Failure`` if that is not possible.
    package func execute(_ arguments: [String]) throws(Failure) -> Never {
        var groups = [self.groupID]
        guard setgroups(1, &groups) == 0, setgid(self.groupID) == 0, setuid(self.userID) == 0 else {
            let reason = String(cString: strerror(errno))
            throw Failure(description: "cannot become user \(self.userID), group \(self.groupID): \(reason)")
        }
        // Reset the state that the command would inherit from this thread and program.
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
