import Glibc

/// The user and group that a process runs as: `server.user` and `server.group`.
package struct Credentials: Sendable, Hashable {
    package var userID: uid_t
    package var groupID: gid_t

    /// A user or group that cannot be assumed, in one line.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// Looks up a user and a group, each by name or by number.
    ///
    /// - Parameters:
    ///   - user: `nil` for this process's own.
    ///   - group: `nil` for the user's own.
    /// - Throws: ``Failure`` if one is unknown, or is not this process's own and the process is not root.
    package init(user: String?, group: String?) throws(Failure) {
        var userID = getuid()
        var groupID = getgid()
        if let user {
            guard let entry = user.withCString({ getpwnam($0) }) ?? uid_t(user).flatMap({ getpwuid($0) }) else {
                throw Failure(description: "server.user: there is no user `\(user)` on this system")
            }
            userID = entry.pointee.pw_uid
            groupID = entry.pointee.pw_gid
        }
        if let group {
            guard let entry = group.withCString({ getgrnam($0) }) ?? gid_t(group).flatMap({ getgrgid($0) }) else {
                throw Failure(description: "server.group: there is no group `\(group)` on this system")
            }
            groupID = entry.pointee.gr_gid
        }
        self.userID = userID
        self.groupID = groupID
        guard geteuid() == 0 || self.areOurs else {
            let fix = "start rr as root or remove the key"
            throw Failure(description: "server.user: only root may run workers as another user; \(fix)")
        }
    }

    /// Whether this process already runs as this user and cannot become another.
    package var areOurs: Bool {
        geteuid() != 0 && self.userID == getuid() && self.groupID == getgid()
    }
}
