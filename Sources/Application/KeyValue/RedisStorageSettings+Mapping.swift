import Addresses
import Configuration
import KeyValueRedis
import Logging
import NIOCore
import RedisClient

extension RedisStorageSettings {
    /// Reads the files of `tls` and starts to connect; no server has to be there.
    ///
    /// - Throws: ``RedisTLSError``
    func open(in workDirectory: String, _ logger: Logger) throws(RedisTLSError) -> RedisStorage {
        var configuration = RedisConfiguration(self.topology)
        configuration.login = RedisLogin(username: self.username, password: self.password, database: self.database)
        configuration.sentinelLogin = RedisLogin(password: self.sentinelPassword)
        configuration.dialTimeout = TimeAmount(clamping: self.dialTimeout)
        configuration.readTimeout = TimeAmount(clamping: self.readTimeout)
        configuration.writeTimeout = TimeAmount(clamping: self.writeTimeout ?? self.readTimeout)
        configuration.retries = max(self.maxRetries, 0)
        configuration.firstBackoff = TimeAmount(clamping: self.minRetryBackoff)
        configuration.mostBackoff = TimeAmount(clamping: max(self.minRetryBackoff, self.maxRetryBackoff))
        if let tls {
            do throws(RedisTLS.Fault) {
                configuration.tls = try tls.files(in: workDirectory).context()
            } catch {
                throw RedisTLSError(fault: error)
            }
        }
        let client = RedisClient(configuration, logger: logger)
        client.start()
        return RedisStorage(client)
    }

    private var topology: RedisConfiguration.Topology {
        if !self.masterName.isEmpty { return .sentinel(master: self.masterName, sentinels: self.addresses) }
        return self.isCluster ? .cluster(self.addresses) : .single(self.addresses[0])
    }
}

extension RedisTLSSettings {
    fileprivate func files(in workDirectory: String) -> RedisTLS {
        func path(_ text: String) -> String { FilePath.absolute(text, in: workDirectory) }
        let identity = RedisTLS.Identity(certificate: path(self.certificate), key: path(self.key))
        return RedisTLS(
            identity: self.certificate.isEmpty ? nil : identity, rootCA: self.rootCA.isEmpty ? nil : path(self.rootCA))
    }
}

/// A file of `tls` that cannot be used; its text begins with the key, from the storage on.
struct RedisTLSError: Error, CustomStringConvertible {
    let fault: RedisTLS.Fault

    var description: String {
        let key =
            switch self.fault.file {
            case .certificate: ".cert"
            case .key: ".key"
            case .rootCA: ".root_ca"
            case .system: ""
            }
        return "config.tls\(key): the file cannot be used: \(self.fault.reason)"
    }
}
