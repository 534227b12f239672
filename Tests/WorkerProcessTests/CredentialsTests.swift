import Glibc
import Testing

@testable import WorkerProcess

@Suite struct CredentialsTests {
    @Test func withoutNamesTheyAreOurOwn() throws {
        let own = try Credentials(user: nil, group: nil)
        #expect(own.userID == getuid())
        #expect(own.groupID == getgid())
    }

    @Test(arguments: [("no-such-user-here", nil), (nil, "no-such-group-here")] as [(String?, String?)])
    func anUnknownNameIsNamed(user: String?, group: String?) {
        let failure = #expect(throws: Credentials.Failure.self) { try Credentials(user: user, group: group) }
        #expect(failure?.description.contains(user ?? group ?? "") == true)
    }

    @Test func anotherUserNeedsRoot() throws {
        if geteuid() == 0 {
            let other = try Credentials(user: "daemon", group: nil)
            #expect(other.userID != getuid())
            #expect(try Credentials(user: "\(other.userID)", group: "\(other.groupID)") == other, "by number")
        } else {
            #expect(throws: Credentials.Failure.self) { try Credentials(user: "root", group: nil) }
        }
    }
}
