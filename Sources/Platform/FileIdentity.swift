import Glibc

/// A file by device and inode, which its paths share.
package struct FileIdentity: Sendable, Hashable {
    private let device: dev_t
    private let inode: ino_t

    /// - Returns: `nil` when there is none, or it may not be seen.
    package init?(ofPath path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            return nil
        }
        self.device = status.st_dev
        self.inode = status.st_ino
    }
}
