import Glibc
import KeyValue
import KeyValueFile
import NIOCore
import StorageTestSupport

/// Writes to a file until it is killed: each call counts one up, and sets a key with the number, and a line of output says
/// that it was answered.
let storage = try FileStorage(FileStorageConfiguration(path: CommandLine.arguments[1], syncs: false))

func tell(_ line: String) {
    var text = line + "\n"
    text.withUTF8 { _ = write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}

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
