import Glibc

/// Standard input, output and error.
package enum StandardDescriptors {
    /// Opens `/dev/null` for those that are closed.
    ///
    /// It must be called before any other file is opened: a client's connection that got the number of standard error
    /// would be sent all that is printed there.
    package static func openClosedOnes() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free is this one. Where there is no such file a directory keeps the place.
            guard open("/dev/null", O_RDWR) == descriptor || open("/", O_RDONLY | O_DIRECTORY) == descriptor else {
                _exit(1)
            }
        }
    }
}
