import Foundation
import Testing

@testable import Application
@testable import Configuration

@Suite struct LocationTests {
    private func location(
        _ argument: String? = nil,
        in workDirectory: String? = nil,
        search: String? = nil,
        existing: Set<String> = []
    ) -> (path: String, workDirectory: String?) {
        let location = ConfigurationLocation(
            argument: argument,
            workDirectory: workDirectory,
            environment: search.map { ["RR_CONFIG": ByteText($0)] } ?? [:],
            exists: existing.contains
        )
        return (location.path, location.workDirectory)
    }

    @Test("Without RR_CONFIG: .rr.yaml, or -c, and the work directory of -w or of the file")
    func withoutVariable() {
        #expect(self.location() == (".rr.yaml", nil))
        #expect(self.location(search: "") == (".rr.yaml", nil))
        #expect(self.location("/etc/x.yaml") == ("/etc/x.yaml", nil))
        #expect(self.location("x.yaml", in: "/srv") == ("x.yaml", "/srv"))
    }

    @Test("What is empty is as if it were not given")
    func empty() {
        #expect(self.location("", in: "") == (".rr.yaml", nil))
        #expect(self.location("", in: "", search: "/etc/a:b", existing: ["b"]) == ("b", "."))
    }

    @Test("-c wins over RR_CONFIG")
    func argumentWins() {
        #expect(self.location("x.yaml", search: "/etc/a:b", existing: ["/etc/a"]) == ("x.yaml", nil))
    }

    @Test("The first file of RR_CONFIG that exists, in the current directory or that of -w")
    func search() {
        let both: Set = ["/etc/a", "b"]
        #expect(self.location(search: "/etc/a:b", existing: both) == ("/etc/a", "."))
        #expect(self.location(search: "/etc/a:b", existing: ["b"]) == ("b", "."))
        #expect(self.location(in: "/srv", search: "/etc/a:b", existing: both) == ("/etc/a", "/srv"))
    }

    @Test("When none exists the last is named")
    func noneExists() {
        #expect(self.location(search: "/etc/a:b") == ("b", "."))
    }

    @Test("What is there and cannot be read is taken, so that the error is seen", arguments: ["nowhere", "link"])
    func unreadable(target: String) throws {
        let sandbox = try Sandbox(["rr.yaml": minimal])
        // One that leads nowhere, and one that leads to itself, which not even root can follow.
        try FileManager.default.createSymbolicLink(atPath: sandbox.path("link"), withDestinationPath: target)
        let location = ConfigurationLocation(
            argument: nil,
            workDirectory: sandbox.folder,
            environment: ["RR_CONFIG": "link:rr.yaml"]
        )
        #expect(location.path == "link")
    }

    @Test("What is below a file is not there")
    func belowFile() throws {
        let sandbox = try Sandbox(["rr.yaml": minimal])
        let location = ConfigurationLocation(
            argument: nil,
            workDirectory: sandbox.folder,
            environment: ["RR_CONFIG": "rr.yaml/rr.yaml:rr.yaml"]
        )
        #expect(location.path == "rr.yaml")
    }

    @Test("Relative files count from the work directory, and end up in effect")
    func files() throws {
        let sandbox = try Sandbox(["rr.yaml": minimal])
        let location = ConfigurationLocation(
            argument: nil,
            workDirectory: sandbox.folder,
            environment: ["RR_CONFIG": "missing.yaml:rr.yaml"]
        )
        #expect(location.path == "rr.yaml")
        let loaded = try ConfigurationLoader(environment: [:], processorCount: 1)
            .load(path: location.path, workDirectory: location.workDirectory)
        #expect(loaded.file == "\(sandbox.folder)/rr.yaml")
    }
}
