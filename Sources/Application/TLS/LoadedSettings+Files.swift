import Configuration
import TLS

extension LoadedConfiguration where Settings == Application.Settings {
    /// Reads the files that the service could not start without: certificates and keys. Blocks.
    ///
    /// Not a part of loading: `rr reset` and others read the configuration as users who may not read a key.
    ///
    /// - Throws: The first file that cannot be used, with the line that names it.
    package func checkFiles() throws(ConfigurationError) {
        for (key, plan) in self.settings.tlsPlans(in: self.workDirectory) {
            do throws(TLSFault) {
                _ = try TLSContexts(plan)
            } catch {
                throw self.error(error, key)
            }
        }
    }

    private func error(_ fault: TLSFault, _ section: String) -> ConfigurationError {
        let key = fault.key(in: section)
        let origin = self.effective.leaves.first { $0.path == key }?.origin
        var error = ConfigurationError(
            code: .invalidValue, message: "\(fault.path): \(fault.reason)", file: self.file, key: key, fix: fault.fix)
        switch origin {
        case .file(let file, let line), .include(let file, let line):
            error.file = file
            error.line = line
        case .environment(let name): error.file = "env \(name)"
        case .override: error.file = "-o"
        case .defaultValue, .derived, nil: break
        }
        return error
    }
}

extension TLSFault {
    /// The dotted key that names the file.
    fileprivate func key(in section: String) -> String {
        switch self.file {
        case .certificate(0): "\(section).cert"
        case .key(0): "\(section).key"
        case .certificate(let number): "\(section).certificates.\(number - 1).cert"
        case .key(let number): "\(section).certificates.\(number - 1).key"
        case .authorities: "\(section).root_ca"
        }
    }
}

extension Settings {
    /// How listeners encrypt, by the dotted keys of their sections.
    func tlsPlans(in workDirectory: String) -> [(key: String, plan: TLSPlan)] {
        var plans = self.tcp.tlsPlans(in: workDirectory)
        let others = [("rpc.tls", self.rpc?.tls), ("status.tls", self.status?.tls), ("metrics.tls", self.metrics?.tls)]
        plans += others.compactMap { key, tls in tls.map { (key: key, plan: $0.plan(in: workDirectory)) } }
        return plans
    }
}

extension TCPSettings {
    static let tlsPrefix = "tcp.servers."

    func tlsPlans(in workDirectory: String) -> [(key: String, plan: TLSPlan)] {
        self.servers.compactMap { server in
            server.tls.map { (key: server.tlsKey, plan: $0.plan(in: workDirectory)) }
        }
    }
}

extension ListenerSettings {
    /// The dotted key of its section `tls`.
    var tlsKey: String { "\(TCPSettings.tlsPrefix)\(self.name).tls" }
}
