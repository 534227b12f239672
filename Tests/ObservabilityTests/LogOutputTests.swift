import Foundation
import TestSupport
import Testing

@testable import Observability

@Suite struct LogOutputTests {
    @Test func linesAreAppendedToAFile() throws {
        let test = try TestOutput()
        test.output.write("1\n")
        #expect(test.text() == "1\n")
        let second = try LogOutput(.file(path: test.path, rotation: nil), style: LogStyle(.raw))
        second.write("2\n")
        LogOutput.flush([second], milliseconds: 30_000)
        test.output.write("3\n")
        #expect(test.text() == "1\n2\n3\n")
    }

    @Test func whatIsLoggedLastIsWrittenWhenTheOutputGoes() throws {
        let folder = try TestOutput()
        do {
            let output = try LogOutput(.file(path: folder.path, rotation: nil), style: LogStyle(.raw))
            output.write("last\n")
        }
        while folder.text() != "last\n" {
            usleep(1000)
        }
    }

    @Test(arguments: ["/no/such/directory/app.log", "/", "/dev/null/app.log"])
    func aFileThatCannotBeOpenedIsNamed(path: String) {
        let failure = #expect(throws: LogFailure.self) {
            try LogOutput(.file(path: path, rotation: nil), style: LogStyle(.raw))
        }
        #expect(failure?.description.hasPrefix("cannot open \(path): ") == true)
    }

    @Test func aFileThatWasRenamedIsOpenedAnew() throws {
        let test = try TestOutput()
        test.output.write("before\n")
        #expect(test.text() == "before\n")
        #expect(rename(test.path, test.path + ".1") == 0)
        test.output.write("still the old one\n")
        LogOutput.flush([test.output], milliseconds: 30_000)
        test.output.reopen()
        test.output.write("after\n")
        #expect(test.text() == "after\n")
        #expect(test.text(of: "app.log.1") == "before\nstill the old one\n")
    }

    @Test func aFileThatCannotBeOpenedAnewStaysInUseAndIsToldOf() throws {
        let faults = try TestOutput()
        let test = try TestOutput()
        let path = test.directory.file("sub")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let file = "\(path)/x.log"
        let output = try LogOutput(
            .file(path: file, rotation: nil), style: LogStyle(.raw), faults: [faults.output])
        output.write("1\n")
        LogOutput.flush([output], milliseconds: 30_000)
        #expect(rename(path, path + "-moved") == 0)
        output.reopen()
        output.write("2\n")
        LogOutput.flush([output], milliseconds: 30_000)
        #expect(test.text(of: "sub-moved/x.log") == "1\n2\n")
        #expect(faults.text().contains("cannot open \(file): No such file"))
    }

    @Test func aFileThatGrowsIsPutAsideAndOldOnesGo() throws {
        let test = try TestOutput(rotation: LogRotation(maximumSize: 10, maximumAge: 1, maximumBackups: 2))
        for number in 10..<20 {
            test.output.write("line \(number)\n")
        }
        #expect(test.text() == "line 19\n")
        let files = try test.files
        #expect(files.count == 3)
        #expect(files.filter { $0 != "app.log" }.map { test.text(of: $0) } == ["line 17\n", "line 18\n"])
    }

    @Test func anEntryLongerThanAFileMayBeIsAloneInOne() throws {
        let test = try TestOutput(rotation: LogRotation(maximumSize: 10, maximumAge: 1, maximumBackups: 9))
        let long = String(repeating: "x", count: 50) + "\n"
        for line in ["1\n", long, "2\n"] {
            test.output.write(line)
        }
        #expect(test.text() == "2\n")
        #expect(try test.files.filter { $0 != "app.log" }.map { test.text(of: $0) } == ["1\n", long])
    }

    @Test func theDirectoryOfARotatedFileIsMade() throws {
        let test = try TestOutput()
        let path = test.directory.file("a/b/c.log")
        let rotation = LogRotation(maximumSize: 10, maximumAge: 1, maximumBackups: 2)
        let output = try LogOutput(.file(path: path, rotation: rotation), style: LogStyle(.raw))
        output.write("x\n")
        LogOutput.flush([output], milliseconds: 30_000)
        #expect(test.text(of: "a/b/c.log") == "x\n")
    }

    @Test func aFullDiskIsToldOfOnce() throws {
        let faults = try TestOutput()
        let output = try LogOutput(
            .file(path: "/dev/full", rotation: nil), style: LogStyle(.raw), faults: [faults.output])
        for _ in 0..<3 {
            output.write("x\n")
            LogOutput.flush([output], milliseconds: 30_000)
        }
        let lines = faults.text().split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.contains("No space left on device") == true)
        #expect(lines.first?.contains("output=/dev/full") == true)
    }

    @Test func whatWasLostIsToldOfAsSoonAsWritingWorksAgain() throws {
        let faults = try TestOutput()
        let path = faults.directory.file("pipe")
        try #require(mkfifo(path, 0o600) == 0)
        let first = open(path, O_RDONLY | O_NONBLOCK)
        let output = try LogOutput(
            .file(path: path, rotation: nil), style: LogStyle(.console), faults: [faults.output])
        close(first)
        for line in ["1\n", "2\n", "3\n"] {
            output.write(line)
            LogOutput.flush([output], milliseconds: 30_000)
        }
        #expect(faults.text().contains("Broken pipe"))
        let second = open(path, O_RDONLY)
        defer { close(second) }
        // Nothing else is logged: it tries by itself.
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(second, &buffer, buffer.count)
        try #require(count > 0)
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        #expect(text.hasSuffix("\tERROR\trr\tlog entries were dropped\tdropped=3\n"))
    }

    @Test func aStuckPipeHoldsNobodyUpAndTheGapIsCounted() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let output = try LogOutput(.file(path: "/proc/self/fd/\(ends[1])", rotation: nil), style: LogStyle(.console))
        close(ends[1])
        // More than the pipe, the writer and the queue hold, together.
        let count = 200_000
        let padding = String(repeating: "x", count: 90)
        for number in 0..<count {
            output.write("\(number) \(padding)\n")
        }
        LogOutput.flush([output], milliseconds: 10)

        var bytes: [UInt8] = []
        var (kept, dropped) = (0, 0)
        while kept + dropped < count {
            var entry = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
            try #require(poll(&entry, 1, 30_000) == 1, "\(kept) lines and \(dropped) dropped ones are not all")
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let size = read(ends[0], &buffer, buffer.count)
            try #require(size > 0)
            bytes += buffer[..<size]
            let end = (bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
            for line in bytes[..<end].split(separator: UInt8(ascii: "\n")) {
                let line = String(decoding: line, as: UTF8.self)
                if let range = line.range(of: "dropped=") {
                    dropped += try #require(Int(line[range.upperBound...]))
                } else {
                    #expect(line == "\(kept + dropped) \(padding)", "in order, and the gap is where its note is")
                    kept += 1
                }
            }
            bytes.removeFirst(end)
        }
        #expect(kept + dropped == count)
        #expect(dropped > 0)
    }
}
