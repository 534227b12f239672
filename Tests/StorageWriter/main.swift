import Glibc
import KeyValue
import KeyValueFile
import NIOCore
import StorageTestSupport

func tell(_ line: String) {
    var text = line + "\n"
    text.withUTF8 { _ = write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}

switch CommandLine.arguments.dropFirst().first {
case "--memory": await measureMemory()
case let path?: try await write(to: path)
case nil: exit(2)
}

/// Writes to a file until it is killed: each call counts one up, and sets keys to a value that the number tells, and a line of
/// output says that both were answered.
func write(to path: String) async throws {
    let storage = try FileStorage(FileStorageConfiguration(path: path, syncs: false))
    tell("open")
    while true {
        guard case .numbers(let numbers) = await storage.ask(.increment([.init(key: ByteBuffer(string: "n"), by: 1)]))
        else {
            exit(1)
        }
        let (number, value) = (numbers[0], ByteBuffer(repeating: 0x78, count: Int(numbers[0] % 5000)))
        let items = ["a", "b", "c"].map {
            StorageItem(
                key: ByteBuffer(string: "\($0)\(number % 50)"), value: value,
                expiry: number % 2 == 0 ? nil : 4_000_000_000_000)
        }
        guard await storage.ask(.set(items)) == .done else { exit(1) }
        tell("\(number)")
    }
}

/// Fills a storage in memory with keys that expire, then sets them again and again: what the process takes a key beside key and
/// value, after each round.
func measureMemory() async {
    let count = 60_000
    let storage = MemoryStorage()
    storage.startSweeping()
    let value = ByteBuffer(repeating: 0x78, count: 64)
    let before = residentBytes()
    for round in 0..<4 {
        var keyBytes = 0
        for number in 0..<count {
            let key = ByteBuffer(string: "users:6ba7b810-9dad-41d1-80b4-\(100_000_000_000 + number)")
            keyBytes += key.readableBytes
            let expiry = UnixClock.now() + Int64(3_600_000 + (number &* 7919) % 100_000 + round * 1000)
            storage.perform(.set([StorageItem(key: key, value: value, expiry: expiry)])) { _ in }
        }
        tell("\((residentBytes() - before - keyBytes) / count - value.readableBytes)")
    }
}

func residentBytes() -> Int {
    let descriptor = open("/proc/self/statm", O_RDONLY)
    defer { close(descriptor) }
    var text = [UInt8](repeating: 0, count: 256)
    let length = read(descriptor, &text, text.count)
    let fields = text.prefix(max(0, length)).split(separator: UInt8(ascii: " "))
    return (Int(String(decoding: fields[1], as: UTF8.self)) ?? 0) * Int(getpagesize())
}
