import Testing

@testable import Platform

@Suite struct TCPSocketTableTests {
    @Test("A line of the table is found by both ends, and tells the inode")
    func line() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0
               1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 65534        0 22 1 0 20 4
               2: 0100007F:C351 0100007F:1F90 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0

            """
        func inode(_ key: String) -> String? {
            Array(table.utf8).withUnsafeBytes { TCPSocketTable.inode(key: Array(key.utf8), in: $0) }
        }
        #expect(inode("0100007F:C350 0100007F:1F90 ") == "22")
        #expect(inode("0100007F:1F90 0100007F:C350 ") == nil, "the other end is another socket")
        #expect(inode("0100007F:C351 0100007F:1F90 ") == nil, "no process holds it any more")
    }

    @Test("An address is written as the kernel does, in each table where it may be")
    func keys() {
        let (one, two) = (UInt32(0x7F00_0001).bigEndian, UInt32(0xFFFF).bigEndian)
        func hexadecimal(_ word: UInt32) -> String {
            let text = String(word, radix: 16, uppercase: true)
            return String(repeating: "0", count: 8 - text.count) + text
        }
        let local = TCPSocketTable.End(words: [one], port: 0x1F90)
        let remote = TCPSocketTable.End(words: [0, 0, two, one], port: 0x50)
        let entries = TCPSocketTable.entries(local, remote)
        let short = hexadecimal(one)
        let long = "0000000000000000" + hexadecimal(two) + short
        #expect(entries.map(\.path) == ["/proc/net/tcp", "/proc/net/tcp6"])
        #expect(entries.map(\.key) == ["\(short):1F90 \(short):0050 ", "\(long):1F90 \(long):0050 "])
        let six = TCPSocketTable.End(words: [0, 0, 0, UInt32(1).bigEndian], port: 1)
        #expect(TCPSocketTable.entries(six, six).map(\.path) == ["/proc/net/tcp6"])
        #expect(TCPSocketTable.entries(six, .init(words: [], port: 0)).isEmpty, "the address of a Unix socket")
    }

    @Test("A line is found wherever the parts of a large table end, but not one that is cut short")
    func longTables() throws {
        let filler = String(repeating: "   0: 00000000:0001 00000000:0000 0A 0 0 0 0 0 0 1\n", count: 5000)
        let wanted = "   1: 0100007F:C350 0100007F:1F90 01 0 0 0 0 0 22 1"
        let root = try FakeRoot(["/table": filler + wanted + "\n" + filler, "/short": filler + wanted])
        let files = SystemFiles(root: root.path)
        func inode(_ path: String) -> String? {
            TCPSocketTable.inode(key: "0100007F:C350 0100007F:1F90 ", in: path, of: files)
        }
        #expect(inode("/table") == "22")
        #expect(inode("/short") == nil)
        #expect(inode("/none") == nil)
    }
}
