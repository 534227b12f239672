import Glibc
import Testing

@testable import Platform

@Suite struct ProcessFilesTests {
    @Test("The name of a program may hold anything and does not shift the fields")
    func hostileNames() throws {
        let rest = "7 12 12 0 -1 4194304 1 2 3 4 250 50 0 0 20 0 3 0 8888 1000 20 18446744073709551615"
        for name in ["php", "", " ", ")", "(", ") (", ") Z 1 (", "a\nb", "(x) S 1", "\u{FFFD}"] {
            let statistics = try #require(ProcessStatistics(Array("12 (\(name)) S \(rest)\n".utf8)), "\(name)")
            #expect(statistics.name == name)
            #expect(statistics.parent == 7 && !statistics.hasEnded, "\(name)")
            #expect(statistics.processorTime == 300 && statistics.threads == 3 && statistics.start == 8888, "\(name)")
        }
    }

    @Test(
        "A short file tells what is in it",
        arguments: [
            ("12 (php) S 7 12 1 0", 7, false), ("12 (a ) Z 99 (b) c) Z 7 12 1 0", 7, true), ("12 () R 1 12", 1, false),
            ("12 (x) X 0 0", 0, true), ("12 (x) S 3", 3, false),
        ])
    func shortFiles(text: String, parent: Int32, hasEnded: Bool) throws {
        let statistics = try #require(ProcessStatistics(Array(text.utf8)))
        #expect(statistics.parent == parent && statistics.hasEnded == hasEnded)
        #expect(statistics.start == nil && statistics.threads == nil && statistics.processorTime == nil)
    }

    @Test(
        "Any other text is refused",
        arguments: [
            "", ")", ") (", "12 (php", "12 php) S 7", "12 (php)", "12 (php) S", "12 (php) S x 1",
            "12 (php) S 99999999999 1",
        ])
    func nonsense(text: String) {
        #expect(ProcessStatistics(Array(text.utf8)) == nil)
    }

    @Test("Fields that are no numbers are not there")
    func fields() throws {
        let text = "1 (x) S 1 2 3 4 5 6 7 8 9 10 a -1 0 0 20 0 many 0 -5"
        let statistics = try #require(ProcessStatistics(Array(text.utf8)))
        #expect(statistics.start == nil && statistics.threads == nil && statistics.processorTime == nil)
    }

    @Test(
        "Memory comes in pages",
        arguments: [
            ("10 2 1 1 0 5 0\n", 40960, 8192), ("10 2", 40960, 8192), ("5000000000 1", 20_480_000_000_000, 4096),
        ])
    func memory(text: String, virtual: Int, resident: Int) throws {
        let memory = try #require(ProcessFiles.Memory(text, pageSize: 4096))
        #expect(memory.virtual == virtual && memory.resident == resident)
    }

    @Test(arguments: ["", "\n", "10", "x y", "10 x", "9223372036854775807 1", "-1 1"])
    func noMemory(text: String) {
        #expect(ProcessFiles.Memory(text, pageSize: 4096) == nil)
    }

    @Test("Files below a root are read, and a vanished process has none")
    func files() throws {
        let root = try FakeRoot([
            "/proc/12/stat": "12 (php) S 7 1", "/proc/12/statm": "4 2 0", "/proc/13/comm": "gone\n",
            "/proc/x1/stat": "",
            "/proc/self/status": "Name:\tCpus: 1\nCpus:\t3\n", "/proc/stat": "cpu 1 2\nbtime 1700000000\nprocesses 9\n",
        ])
        let files = ProcessFiles(root: root.path)
        #expect(files.processes().sorted() == [12, 13])
        #expect(files.statistics(of: 12)?.parent == 7)
        #expect(files.statistics(of: 13) == nil && files.statistics(of: 14) == nil && files.statistics() == nil)
        #expect(files.memory(of: 12)?.resident == 2 * Int(sysconf(Int32(_SC_PAGESIZE))) && files.memory(of: 13) == nil)
        #expect(files.status("Cpus") == "\t3" && files.status("Cpu") == nil)
        #expect(files.bootTime() == 1_700_000_000)
        #expect(files.descriptorCount() == nil && files.workingDirectory(of: 12) == nil)
    }

    @Test("Without /proc nothing is known")
    func nothing() throws {
        let files = ProcessFiles(root: try FakeRoot([:]).path)
        #expect(files.processes().isEmpty && files.statistics() == nil && files.memory() == nil)
        #expect(files.status("Name") == nil && files.bootTime() == nil && files.descriptorCount() == nil)
        #expect(files.holds(getpid(), "socket:[1]") == nil, "it is there, and its descriptors cannot be read")
        #expect(files.holds(.max, "socket:[1]") == false, "there is no such process")
    }

    @Test("This process is seen with its descriptors")
    func ourselves() throws {
        let files = ProcessFiles()
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer {
            close(ends[0])
            close(ends[1])
        }
        var status = stat()
        try #require(fstat(ends[0], &status) == 0)
        #expect(files.holds(getpid(), "pipe:[\(status.st_ino)]") == true)
        #expect(files.holds(getpid(), "pipe:[\(status.st_ino)") == false, "a name is compared as a whole")
        #expect(files.holds(.max, "pipe:[\(status.st_ino)]") == false)
        #expect(try #require(files.descriptorCount()) >= 5)
        #expect(files.statistics()?.parent == getppid() && files.statistics(of: getpid())?.parent == getppid())
        #expect(files.workingDirectory(of: getpid()) == FileIdentity(ofPath: "."))
        #expect(try #require(files.memory()).resident > 0)
        #expect(try #require(files.bootTime()) > 1_000_000_000)
        #expect(files.processes().contains(getpid()))
    }
}
