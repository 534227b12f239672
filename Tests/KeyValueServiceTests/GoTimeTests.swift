import Glibc
import NIOCore
import TestSupport
import Testing

@testable import KeyValueService

@Suite struct GoTimeTests {
    @Test(arguments: [
        ("2026-11-25T11:00:00+00:00", 1_795_604_400_000), ("2026-11-25T11:00:00Z", 1_795_604_400_000),
        ("2026-11-25T13:30:00+02:30", 1_795_604_400_000), ("2026-11-24T23:00:00-12:00", 1_795_604_400_000),
        ("2026-11-25T11:00:00.5Z", 1_795_604_400_500), ("2026-11-25T11:00:00.123999999999Z", 1_795_604_400_123),
        ("2026-11-25T11:00:00,25+00:00", 1_795_604_400_250), ("1970-01-01T00:00:00Z", 0), ("1970-01-01T0:00:00Z", 0),
        ("1969-12-31T23:59:59.75Z", -250), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000), ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ("2026-11-25T11:00:00+24:60", 1_795_604_400_000 - 90_000_000),
    ])
    func isRead(text: String, time: Int64) throws {
        #expect(try GoTime.parse(ByteBuffer(string: text)) == time)
    }

    @Test(arguments: [
        ("", #"parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006""#),
        ("x", #"parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006""#),
        ("2026-11-25", #"parsing time "2026-11-25" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T""#),
        (
            "2026-11-25t11:00:00z",
            #"parsing time "2026-11-25t11:00:00z" as "2006-01-02T15:04:05Z07:00": cannot parse "t11:00:00z" as "T""#
        ),
        (
            "2026-11-25T11:00:00z",
            #"parsing time "2026-11-25T11:00:00z" as "2006-01-02T15:04:05Z07:00": cannot parse "z" as "Z07:00""#
        ),
        (
            "2026-11-25 11:00:00",
            #"parsing time "2026-11-25 11:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse " 11:00:00" as "T""#
        ),
        ("2026-13-25T11:00:00Z", #"parsing time "2026-13-25T11:00:00Z": month out of range"#),
        ("2026-02-29T11:00:00Z", #"parsing time "2026-02-29T11:00:00Z": day out of range"#),
        ("2026-11-00T11:00:00Z", #"parsing time "2026-11-00T11:00:00Z": day out of range"#),
        ("2026-11-25T24:00:00Z", #"parsing time "2026-11-25T24:00:00Z": hour out of range"#),
        ("2026-11-25T11:60:00Z", #"parsing time "2026-11-25T11:60:00Z": minute out of range"#),
        ("2026-11-25T11:00:60Z", #"parsing time "2026-11-25T11:00:60Z": second out of range"#),
        ("2026-11-25T11:00:00+25:00", #"parsing time "2026-11-25T11:00:00+25:00": time zone offset hour out of range"#),
        ("2026-11-25T11:00:00Zé", #"parsing time "2026-11-25T11:00:00Z\xc3\xa9": extra text: "\xc3\xa9""#),
        (
            "2026-11-25T11:00:00.Z",
            #"parsing time "2026-11-25T11:00:00.Z" as "2006-01-02T15:04:05Z07:00": cannot parse ".Z" as "Z07:00""#
        ),
        (
            "2026-1-25T11:00:00Z",
            #"parsing time "2026-1-25T11:00:00Z" as "2006-01-02T15:04:05Z07:00": cannot parse "1-25T11:00:00Z" as "01""#
        ),
    ])
    func isRefusedInGosWords(text: String, error: String) {
        let thrown = #expect(throws: RFC3339Error.self) { try GoTime.parse(ByteBuffer(string: text)) }
        #expect(thrown?.text == error)
    }

    @Test func theSystemsCalendarAgrees() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let seconds = Int64.random(in: -62_167_219_200...253_402_300_799, using: &random)
            let text = GoTime.format(seconds * 1000 + Int64(random.pick(0...999)))
            #expect(try GoTime.parse(ByteBuffer(string: text)) == seconds * 1000)
            var (time, parts) = (time_t(seconds), tm())
            gmtime_r(&time, &parts)
            #expect(
                text.hasPrefix(
                    "\(String(repeating: "0", count: max(0, 4 - String(parts.tm_year + 1900).count)))\(parts.tm_year + 1900)-"
                ))
            let day = text.dropFirst(8).prefix(2)
            #expect(Int32(day) == parts.tm_mday && Int32(text.dropFirst(5).prefix(2)) == parts.tm_mon + 1)
            #expect(Int32(text.dropFirst(11).prefix(2)) == parts.tm_hour)
        }
    }

    @Test func aTimeOutOfRangeIsTheNearest() {
        #expect(GoTime.format(.max) == "9999-12-31T23:59:59+00:00")
        #expect(GoTime.format(.min) == "0000-01-01T00:00:00+00:00")
        #expect(GoTime.format(-1) == "1969-12-31T23:59:59+00:00")
    }

    @Test func aMutatedTimeNeverTraps() {
        var random = SeededGenerator(seed: 2)
        for _ in 0..<20_000 {
            var bytes = Array("2026-11-25T11:00:00.25+00:00".utf8)
            for _ in 0..<random.pick(1...3) { random.mutate(&bytes, special: Array("-+:.,TZ09".utf8)) }
            _ = try? GoTime.parse(ByteBuffer(bytes: bytes))
        }
    }
}
