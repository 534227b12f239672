import Testing

@testable import TCPServer

@Suite struct BacklogTests {
    @Test func anAnswerCountsWholeUntilAllOfItIsTaken() {
        var backlog = Backlog()
        backlog.add(1000)
        backlog.update(unsent: 1000)
        #expect(backlog.bytes == 1000)
        backlog.update(unsent: 1)
        #expect(backlog.bytes == 1000, "its memory is not free before")
        backlog.add(50)
        backlog.update(unsent: 51)
        #expect(backlog.bytes == 1050)
        backlog.update(unsent: 50)
        #expect(backlog.bytes == 50)
        backlog.update(unsent: 0)
        #expect(backlog.bytes == 0)
    }

    @Test func whoTakesNearlyNothingIsSlow() {
        var backlog = Backlog()
        backlog.add(10 << 20)
        var looks = [backlog.look(), backlog.look()]
        backlog.update(unsent: (10 << 20) - 1000)
        looks.append(backlog.look())
        #expect(looks == [false, false, true], "a few bytes are no progress")
        backlog.update(unsent: 9 << 20)
        looks = [backlog.look(), backlog.look()]
        // What is added is nothing that was taken.
        backlog.add(1 << 20)
        backlog.update(unsent: 10 << 20)
        looks += [backlog.look(), backlog.look()]
        #expect(looks == [false, false, false, true])
    }
}
