import Glibc

/// What the system knows of this process, for the conventional `process_*` metrics; `nil` is what it does not tell.
package struct ProcessMetrics: Sendable {
    /// Bytes.
    package var residentMemory: Int?
    /// Bytes.
    package var virtualMemory: Int?
    package var openDescriptors: Int?
    /// The soft limit; `nil` when there is none.
    package var maximumDescriptors: UInt64?
    /// Seconds of all processors, in user and system mode.
    package var processorTime: Double?
    /// Seconds since 1970.
    package var startTime: Double?
    package var threads: Int?

    /// Reads `/proc`: some files, and an entry for each open descriptor.
    package init() {
        self.openDescriptors = Self.countDescriptors()
        self.maximumDescriptors = Self.descriptorLimit()
        guard let stat = Self.read("/proc/self/stat") else {
            return
        }
        // pid (comm) state …: the name may hold anything, so the fields count from its last parenthesis.
        guard let nameEnd = stat.lastIndex(of: UInt8(ascii: ")")) else {
            return
        }
        let fields = stat[(nameEnd + 1)...].split(separator: UInt8(ascii: " ")).map { field in
            Int(String(decoding: field, as: UTF8.self).filter { !$0.isWhitespace })
        }
        // proc(5) counts the state as field 3: it is the first one here.
        func field(_ number: Int) -> Int? {
            fields.indices.contains(number - 3) ? fields[number - 3] : nil
        }
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        if let user = field(14), let system = field(15) {
            self.processorTime = Double(user + system) / ticks
        }
        self.threads = field(20)
        self.startTime = field(22).flatMap { start in Self.bootTime().map { $0 + Double(start) / ticks } }
        self.virtualMemory = field(23)
        self.residentMemory = field(24).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
    }

    private static func countDescriptors() -> Int? {
        guard let directory = opendir("/proc/self/fd") else {
            return nil
        }
        defer { closedir(directory) }
        // But for `.`, `..` and the directory's own descriptor.
        var count = -3
        while readdir(directory) != nil {
            count += 1
        }
        return max(0, count)
    }

    private static func descriptorLimit() -> UInt64? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max else {
            return nil
        }
        return UInt64(limit.rlim_cur)
    }

    /// The line `btime` of `/proc/stat`, in seconds since 1970.
    private static func bootTime() -> Double? {
        guard let text = self.read("/proc/stat") else {
            return nil
        }
        let line = text.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "btime ".utf8) }
        return line.flatMap { Double(String(decoding: $0.dropFirst(6), as: UTF8.self)) }
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else {
            return nil
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            while case let count = fread(buffer.baseAddress, 1, buffer.count, file), count > 0 {
                bytes.append(contentsOf: buffer[..<count])
            }
        }
        return bytes
    }
}

extension PrometheusText {
    package mutating func add(_ process: ProcessMetrics) {
        if let value = process.residentMemory {
            self.family("process_resident_memory_bytes", .gauge, "Resident memory of rr itself, in bytes.", value)
        }
        if let value = process.virtualMemory {
            self.family("process_virtual_memory_bytes", .gauge, "Virtual memory of rr itself, in bytes.", value)
        }
        if let value = process.openDescriptors {
            self.family("process_open_fds", .gauge, "Open file descriptors.", value)
        }
        if let value = process.maximumDescriptors {
            self.family("process_max_fds", .gauge, "File descriptors that may be open.", value)
        }
        if let value = process.processorTime {
            self.family("process_cpu_seconds_total", .counter, "User and system CPU time of rr itself.", value)
        }
        if let value = process.startTime {
            self.family("process_start_time_seconds", .gauge, "Start of the process, in seconds since 1970.", value)
        }
        if let value = process.threads {
            self.family("process_threads", .gauge, "Threads of rr itself.", value)
        }
    }
}
