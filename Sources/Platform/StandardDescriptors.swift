import Glibc

/// Standard input, output and error.
package enum StandardDescriptors {
    /// Opens `/dev/null` for those that are closed.
    ///
    /// Must be called before any other file is opened: a client's connection with the number of standard error would
    /// receive everything that is printed there.
    package static func openClosedOnes() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // open(2) returns the lowest free number, which is this one. Without `/dev/null`, a directory takes it.
            guard open("/dev/null", O_RDWR) == descriptor || open("/", O_RDONLY | O_DIRECTORY) == descriptor else {
                _exit(1)
            }
        }
    }
}
