import Glibc

/// An open ``LogDestination``. Writing blocks until the kernel takes the bytes.
struct LogFile: ~Copyable {
    let destination: LogDestination
    private(set) var descriptor: Int32
    /// The size of a rotated file, in bytes.
    private var size = 0
    /// The time of the last rotation: names of old files ascend, however fast they follow each other.
    private var lastBackup = timespec()

    /// - Throws: ``LogFailure`` when a file cannot be opened.
    init(_ destination: LogDestination) throws(LogFailure) {
        self.destination = destination
        switch destination {
        case .standardOutput:
            self.descriptor = STDOUT_FILENO
        case .standardError:
            self.descriptor = STDERR_FILENO
        case .file(let path, let rotation):
            if rotation != nil {
                Self.makeDirectory(of: path)
            }
            (self.descriptor, self.size) = try Self.open(path)
        }
    }

    deinit {
        if case .file = self.destination {
            close(self.descriptor)
        }
    }

    /// Opens the file again by its name. If that fails, the old one stays in use.
    mutating func reopen() throws(LogFailure) {
        guard case .file(let path, _) = self.destination else {
            return
        }
        let (descriptor, size) = try Self.open(path)
        close(self.descriptor)
        (self.descriptor, self.size) = (descriptor, size)
    }

    /// Rotates the file if this many more bytes would exceed its limit. If that fails, it stays in use.
    mutating func makeRoom(for count: Int) throws(LogFailure) {
        guard case .file(let path, let rotation?) = self.destination, rotation.isDue(size: self.size, adding: count)
        else {
            return
        }
        // Retry only after as many bytes again.
        self.size = 0
        self.lastBackup = try Self.putAside(path, after: self.lastBackup)
        try self.reopen()
        Self.removeOld(path, rotation)
    }

    /// - Returns: The number of bytes written, and the error number if it was not all.
    mutating func write(_ bytes: UnsafeRawBufferPointer) -> (written: Int, fault: Int32?) {
        var written = 0
        defer { self.size += written }
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = systemWrite(self.descriptor, rest.baseAddress, rest.count)
            if count > 0 {
                written += count
            } else if count < 0, errno == EAGAIN {
                // The descriptor is shared with another process, which has made it non-blocking.
                var entry = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, -1)
            } else if count == 0 || errno != EINTR {
                return (written, count == 0 ? EIO : errno)
            }
        }
        return (written, nil)
    }
}

extension LogFile {
    private static func open(_ path: String) throws(LogFailure) -> (descriptor: Int32, size: Int) {
        // Non-blocking: opening a pipe must not wait for its reader. A terminal must not become the controlling one.
        let descriptor = systemOpen(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else {
            throw LogFailure(description: "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        var status = stat()
        return (descriptor, fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0)
    }

    /// Ignores failures: opening the file reports them.
    private static func makeDirectory(of path: String) {
        var index = path.startIndex
        while let slash = path[index...].dropFirst().firstIndex(of: "/") {
            mkdir(String(path[..<slash]), 0o755)
            index = slash
        }
    }

    /// - Returns: The time in the new name.
    private static func putAside(_ path: String, after last: timespec) throws(LogFailure) -> timespec {
        let (directory, name) = self.parts(of: path)
        func backup(_ time: timespec) -> String {
            "\(directory)/\(LogRotation.backupName(of: name, at: time))"
        }
        var time = max(timespec.now, last.nextMillisecond)
        while access(backup(time), F_OK) == 0 {
            time = time.nextMillisecond
        }
        guard rename(path, backup(time)) == 0 || errno == ENOENT else {
            throw LogFailure(description: "cannot rename \(path): \(String(cString: strerror(errno)))")
        }
        return time
    }

    /// Removes old files. One that cannot be removed is tried again at the next rotation.
    private static func removeOld(_ path: String, _ rotation: LogRotation) {
        let (directory, name) = self.parts(of: path)
        for file in rotation.expired(self.files(in: String(directory)), of: name, at: .now) {
            unlink("\(directory)/\(file)")
        }
    }

    private static func files(in directory: String) -> [String] {
        guard let stream = opendir(directory) else {
            return []
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
            )
        }
        return names
    }

    private static func parts(of path: String) -> (directory: Substring, name: String) {
        guard let slash = path.lastIndex(of: "/") else {
            return (".", path)
        }
        return (path[..<slash], String(path[path.index(after: slash)...]))
    }
}

extension timespec {
    fileprivate var nextMillisecond: timespec {
        let nanoseconds = self.tv_nsec + 1_000_000
        return timespec(tv_sec: self.tv_sec + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    }
}

private func max(_ one: timespec, _ other: timespec) -> timespec {
    (one.tv_sec, one.tv_nsec) < (other.tv_sec, other.tv_nsec) ? other : one
}

/// `write(2)` and `open(2)`, whose names are shadowed within ``LogFile``.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
    open(path, flags, mode)
}
