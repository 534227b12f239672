import AdminHTTP
import Application
import ArgumentParser
import Configuration
import Glibc
import Sockets
import TLS

struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ask a running service of this configuration whether it is ready.",
        discussion: """
            Asks /ready at `status.address`, for at most 5 s. The exit code is 0 when the answer is 200, else 1 with \
            the reason on standard error.
            """
    )

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Exit with 0 when there is no `status` section: for an image that serves any configuration.")
    var ifConfigured = false

    func run() async throws {
        do {
            try await self.probe()
        } catch {
            Console().error("\(error)")
            throw ExitCode.failure
        }
    }

    private func probe() async throws {
        let loaded = try self.options.load(environment: ProcessEnvironment.variables)
        guard let status = loaded.settings.status else {
            guard !self.ifConfigured else { return }
            throw HealthError(
                description: "there is no `status` section in \(loaded.file): add `status: {address: 127.0.0.1:2114}`"
            )
        }
        // A relative path of a unix socket counts from the work directory.
        guard chdir(loaded.workDirectory) == 0 else {
            let reason = String(cString: strerror(errno))
            throw HealthError(description: "cannot change to \(loaded.workDirectory): \(reason)")
        }
        try await ReadinessProbe(status.address, encryption: status.isEncrypted ? try TLSProbe.encryption : nil).run()
    }
}

/// The reason why no service could be asked, in one line.
private struct HealthError: Error, CustomStringConvertible {
    var description: String
}
