import Glibc

/// A file's device and inode, which all its paths share.
package struct FileIdentity: Sendable, Hashable {
    private let device: dev_t
    private let inode: ino_t

    /// - Returns: `nil` if the file does not exist, or may not be examined.
    package init?(ofPath path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            return nil
        }
        self.device = status.st_dev
        self.inode = status.st_ino
    }
}
