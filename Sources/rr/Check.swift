import Application
import ArgumentParser
import Configuration

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate the configuration and print it as it is in effect."
    )

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Print JSON instead of YAML.")
    var json = false

    func run() throws {
        do {
            let loaded = try self.options.load(environment: ProcessEnvironment.variables)
            for warning in loaded.warnings {
                Console.warning("\(warning)")
            }
            print(self.json ? loaded.json() : loaded.yaml())
        } catch {
            Console.error("\(error)")
            throw ExitCode.failure
        }
    }
}
