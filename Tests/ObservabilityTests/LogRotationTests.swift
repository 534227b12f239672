import Glibc
import Testing

@testable import Observability

@Suite struct LogRotationTests {
    /// 2026-11-23T05:06:07.089Z
    private let now = timespec(tv_sec: 1_795_410_367, tv_nsec: 89_999_999)
    private let rotation = LogRotation(maximumSize: 100, maximumAge: 2, maximumBackups: 2)

    @Test(arguments: [(0, 1, false), (0, 101, false), (1, 99, false), (1, 100, true), (100, 1, true), (200, 1, true)])
    func aFileThatWouldGrowTooLargeIsPutAside(size: Int, added: Int, isDue: Bool) {
        #expect(self.rotation.isDue(size: size, adding: added) == isDue)
    }

    @Test(arguments: [
        ("app.log", "app-2026-11-23T05-06-07.089.log"), ("app", "app-2026-11-23T05-06-07.089"),
        ("a.b.log", "a.b-2026-11-23T05-06-07.089.log"), (".log", "-2026-11-23T05-06-07.089.log"),
    ])
    func names(name: String, backup: String) {
        #expect(LogRotation.backupName(of: name, at: self.now) == backup)
        #expect(
            LogRotation(maximumSize: 1, maximumAge: 1, maximumBackups: 1).expired([backup], of: name, at: self.now)
                == [])
    }

    @Test func theNewestStay() {
        let files = (1...4).map { "app-2026-11-23T05-06-0\($0).000.log" }
        #expect(Set(self.rotation.expired(files.shuffled(), of: "app.log", at: self.now)) == Set(files.prefix(2)))
    }

    @Test func tooOldOnesGoHoweverFew() {
        let files = ["app-2026-11-21T05-06-07.088.log", "app-2026-11-21T05-06-07.089.log"]
        #expect(self.rotation.expired(files, of: "app.log", at: self.now) == [files[0]])
    }

    @Test func nobodyElsesFileGoes() {
        let strangers = [
            "app.log", "app-.log", "app-2020-01-01T00-00-00.000.txt", "app-2020-01-01T00-00-00.000.log.1",
            "other-2020-01-01T00-00-00.000.log", "app-2020-01-01.log", "app-2020-01-01T00:00:00.000.log",
            "app-2020-0é-01T00-00-00.000.log", "app-x2020-01-01T00-00-00.000.log", "", "app",
        ]
        #expect(self.rotation.expired(strangers, of: "app.log", at: self.now) == [])
    }

    @Test func compressedOnesOfRoadRunnerCount() {
        #expect(self.rotation.expired(["app-2020-01-01T00-00-00.000.log.gz"], of: "app.log", at: self.now).count == 1)
    }

    @Test func aVeryHighAgeIsForEver() {
        let rotation = LogRotation(maximumSize: 1, maximumAge: .max, maximumBackups: .max)
        #expect(rotation.expired(["app-1970-01-01T00-00-00.000.log"], of: "app.log", at: self.now) == [])
    }
}
