import JSON
import Testing

@testable import Application

@Suite struct WorkerTableTests {
    @Test func numbersReadAsInRoadRunner() {
        #expect(
            [0, 999, 1000, 1396, 1_234_567, -1000].map(\.withCommas) == [
                "0", "999", "1,000", "1,396", "1,234,567", "-1,000",
            ])
        #expect(
            [0, 999, 9_500_000, 9_960_000, 45_000_000, 1_500_000_000].map(\.humanBytes) == [
                "0 B", "999 B", "9.5 MB", "10 MB", "45 MB", "1.5 GB",
            ])
        #expect([0, 0.04, 0.999, 12.345].map(\.percent) == ["0.00", "0.04", "1.00", "12.35"])
        #expect(Double.nan.percent == "0.00")
        let ages = [
            (0.5, "now"), (1, "1 second ago"), (59, "59 seconds ago"), (60, "1 minute ago"), (7200, "2 hours ago"),
            (86_400, "1 day ago"), (15 * 86_400, "2 weeks ago"), (-5, "now"), (.infinity, "now"),
        ]
        for (seconds, text) in ages {
            #expect(WorkerTable.age(seconds) == text)
        }
    }

    @Test func theTableHasFixedColumns() throws {
        let text = """
            {"workers":[{"pid":4712,"statusStr":"working","numExecs":1396,"memoryUsage":45000000,"CPUPercent":0.04,"created":1000000000000},
            {"pid":3,"statusStr":"ready","numExecs":0,"memoryUsage":1,"CPUPercent":0,"created":1000000000000}]}
            """
        let table = try #require(WorkerTable(try JSONValue(parsing: text.utf8)))
        #expect(
            table.lines(now: 1240, isColourful: false) == [
                "+------+---------+-------+--------+------+---------------+",
                "| PID  | STATUS  | EXECS | MEMORY | CPU% |    CREATED    |",
                "+------+---------+-------+--------+------+---------------+",
                "|    3 | ready   |     0 | 1 B    | 0.00 | 4 minutes ago |",
                "| 4712 | working | 1,396 | 45 MB  | 0.04 | 4 minutes ago |",
                "+------+---------+-------+--------+------+---------------+",
            ]
        )
        let coloured = table.lines(now: 1240, isColourful: true)
        #expect(coloured[3] == "|    3 | \u{1B}[36mready\u{1B}[0m   |     0 | 1 B    | 0.00 | 4 minutes ago |")
    }

    @Test func whatIsNoListIsRefused() throws {
        #expect(WorkerTable(.null) == nil)
        #expect(WorkerTable(try JSONValue(parsing: "{\"workers\":3}".utf8)) == nil)
        #expect(WorkerTable(try JSONValue(parsing: "{\"workers\":null}".utf8))?.isEmpty == true)
        // A worker of another server may lack anything.
        #expect(
            WorkerTable(try JSONValue(parsing: "{\"workers\":[{}, 1]}".utf8))?.lines(now: 0, isColourful: false).count
                == 6)
    }
}
