import Glibc
import Synchronization
import SystemPackage

extension WorkerRelay {
    var processID: Int32? {
        self.process.withLock { $0.id }
    }

    var residentMemory: Int? {
        guard let pid = self.processID else {
            return nil
        }
        // statm: total, resident, … in pages.
        guard let file = try? Descriptor.open("/proc/\(pid)/statm", .readOnly) else {
            return nil
        }
        defer { try? file.close() }
        return withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
            guard let count = try? file.read(into: buffer) else {
                return nil
            }
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            return pages.map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
        }
    }
}
