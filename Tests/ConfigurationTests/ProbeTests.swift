import Configuration
import Foundation
import Testing

@Test func probe() throws {
    let folder = "/work/shared/configs"
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
        let loader = ConfigurationLoader(environment: [:], processorCount: 4)
        do {
            let loaded = try loader.load(path: "\(folder)/\(name)")
            print("OK   \(name)")
            for warning in loaded.warnings { print("       \(warning)") }
            print(loaded.yaml())
        } catch {
            print("FAIL \(name) [\(error.code)] \(error)")
        }
        do {
            let loaded = try loader.load(path: "\(folder)/\(name)", overrides: ["tcp.servers.probe.addr=:0", "server.command=php x"])
            let again = FileManager.default.temporaryDirectory.appendingPathComponent("x-\(UUID()).yaml")
            try loaded.yaml().write(to: again, atomically: true, encoding: .utf8)
            let second = try loader.load(path: again.path)
            if second.settings != loaded.settings { print("ROUNDTRIP DIFF \(name)\n\(loaded.settings)\n\(second.settings)") }
            _ = try JSONSerialization.jsonObject(with: Data(loaded.json().utf8))
        } catch { print("FAIL2 \(name) \(error)") }
    }
}
