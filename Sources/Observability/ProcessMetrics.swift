import Glibc
import Platform

/// The kernel's figures for this process, for the conventional `process_*` metrics; `nil` for unknown values.
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

    /// The names of these metrics.
    package static let names: Set = [
        "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
        "process_cpu_seconds_total", "process_start_time_seconds", "process_threads",
    ]

    /// Reads `/proc`: some files, and an entry for each open descriptor.
    package init() {
        let files = ProcessFiles()
        self.openDescriptors = files.descriptorCount()
        self.maximumDescriptors = DescriptorLimit.current
        let memory = files.memory()
        self.residentMemory = memory?.resident
        self.virtualMemory = memory?.virtual
        guard let statistics = files.statistics() else {
            return
        }
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        self.processorTime = statistics.processorTime.map { Double($0) / ticks }
        self.threads = statistics.threads
        self.startTime = statistics.start.flatMap { start in files.bootTime().map { Double($0) + Double(start) / ticks }
        }
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
