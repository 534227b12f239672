import Configuration
import Features
import KeyValue
import KeyValueFile
import KeyValueService
import Logging
import Observability
import RPC
import Sockets
import Synchronization

/// The storages of the section `kv`: open before RPC listens, and until the last worker is gone. A reload leaves them as
/// they are.
final class KeyValueFeature: Feature {
    private let settings: [KeyValueSettings]
    private let workDirectory: String
    private let logger: Logger
    private let service = Mutex<KeyValueService?>(nil)
    private let storages = Mutex<[any Storage]>([])

    /// - Returns: `nil` without storages.
    init?(_ settings: Settings, workDirectory: String, logger: Logger) {
        guard !settings.kv.isEmpty else { return nil }
        self.settings = settings.kv.values.sorted { $0.name < $1.name }
        self.workDirectory = workDirectory
        self.logger = logger
    }

    /// The service `kv`, once the storages are open.
    var rpc: RPCService? {
        self.service.withLock { $0?.rpc }
    }

    /// - Throws: ``Gateway/Failure`` if a file cannot be opened; it names the key.
    func start(_ service: ServiceView) async throws {
        var named: [(name: String, storage: any Storage)] = []
        for storage in self.settings {
            let opened: any Storage
            do {
                opened = try await storage.open(in: self.workDirectory, self.logger)
            } catch {
                throw Gateway.Failure(description: "kv.\(storage.name): \(error)")
            }
            self.storages.withLock { $0.append(opened) }
            named.append((storage.name, opened))
            self.logger.info(
                "storage open", metadata: ["name": "\(storage.name)", "driver": "\(storage.driver.rawValue)"])
        }
        let names = named
        self.service.withLock { $0 = KeyValueService(names) }
    }

    func stop() async {
        for storage in self.storages.withLock({ $0 }) {
            await storage.close()
        }
    }

    func addMetrics(to text: inout PrometheusText) {
        if let service = self.service.withLock({ $0 }) {
            text.add(service.counts)
        }
    }
}

extension KeyValueSettings {
    /// Opens the storage; what blocks does so on a thread of its own.
    fileprivate func open(in workDirectory: String, _ logger: Logger) async throws -> any Storage {
        switch self.driver {
        case .memory:
            let storage = MemoryStorage(limits: self.config.memory.limits)
            storage.startSweeping()
            return storage
        case .boltdb, .file:
            let configuration = FileStorageConfiguration(
                path: FilePath.absolute(self.config.file.file, in: workDirectory),
                permissions: self.config.file.permissions,
                syncs: self.config.file.sync,
                sweepInterval: self.config.file.interval
            )
            let storage = try await BlockingCall.run { try FileStorage(configuration) }
            storage.startSweeping(every: configuration.sweepInterval)
            return storage
        case .redis:
            return try await BlockingCall.run { try self.config.redis.open(in: workDirectory, logger) }
        }
    }
}

extension MemoryStorageSettings {
    fileprivate var limits: MemoryLimits {
        MemoryLimits(
            items: self.maxItems > 0 ? self.maxItems : nil,
            bytes: self.maxMemory > 0 ? self.maxMemory << 20 : nil,
            valueBytes: self.maxValueSize,
            eviction: self.eviction == .lru ? .leastRecentlyUsed : .none
        )
    }
}
