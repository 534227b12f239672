import Foundation
import KeyValue
import KeyValueFile
import NIOCore
import StorageTestSupport
import TestSupport
import Testing

@Suite final class FileStorageTests: Sendable {
    private let clock = ManualClock()
    private let directory: TemporaryDirectory
    private var path: String { self.directory.path + "/rr.db" }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    deinit {
        self.directory.remove()
    }

    private func open(_ path: String? = nil) throws -> FileStorage {
        try FileStorage(FileStorageConfiguration(path: path ?? self.path, syncs: false), now: self.clock.now)
    }

    private func item(_ key: String, _ value: String = "v", in milliseconds: Int64? = nil) -> StorageItem {
        StorageItem(
            key: ByteBuffer(string: key), value: ByteBuffer(string: value),
            expiry: milliseconds.map { self.clock.now() + $0 })
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func answersAsTheModelDoes(seed: UInt64) async throws {
        let storage = try self.open()
        let difference = await StorageWalk().run(storage, clock: self.clock, seed: seed, requests: 1200) { request in
            if request % 100 == 0 { await storage.sweep() }
        }
        #expect(difference == nil)
        self.clock.advance(by: 10_000)
        await storage.sweep()
        await storage.close()
        #expect(await storage.ask(.clear) == .failed(.closed))
    }

    @Test func everythingIsThereAfterARestart() async throws {
        var storage = try self.open()
        #expect(
            await storage.ask(.set([self.item("a", "1"), self.item("b", "2", in: 100), self.item("", "")])) == .done)
        await storage.close()
        // One file, when it is closed.
        #expect(try FileManager.default.contentsOfDirectory(atPath: self.directory.path) == ["rr.db"])
        storage = try self.open()
        let keys = ["a", "b", ""].map { ByteBuffer(string: $0) }
        #expect(await storage.ask(.get(keys)) == .values([[0x31], [0x32], []]))
        #expect(await storage.ask(.timeToLive(keys)) == .expiries([.never, .at(self.clock.now() + 100), .never]))
        #expect(storage.measures.items == 3)
        self.clock.advance(by: 100)
        #expect(await storage.ask(.has(keys)) == .existence([true, false, true]))
        await storage.sweep()
        #expect(storage.measures.items == 2 && storage.measures.expired == 1)
        await storage.close()
    }

    @Test func aCallThatFailsLeavesOthersAlone() async throws {
        let storage = try self.open()
        let words = self.item("word", "x")
        #expect(await storage.ask(.set([words])) == .done)
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<16 {
                group.addTask {
                    for _ in 0..<20 {
                        let own = StorageIncrement(key: ByteBuffer(string: "n\(client)"), by: 1)
                        let answer = await storage.ask(.increment([own, .init(key: words.key, by: 1)]))
                        #expect(answer == .failed(.notAnInteger))
                        #expect(await storage.ask(.has([own.key])) == .existence([false]))
                        let count = await storage.ask(.increment([.init(key: ByteBuffer(string: "sum"), by: 1)]))
                        guard case .numbers = count else {
                            Issue.record("no number")
                            return
                        }
                    }
                }
            }
        }
        #expect(await storage.ask(.get([ByteBuffer(string: "sum")])) == .values([Array("320".utf8)]))
        #expect(storage.measures.items == 2)
        await storage.close()
    }

    @Test(arguments: 0..<3)
    func sixteenClientsAreLinearizable(round: Int) async throws {
        let storage = try self.open()
        let history = await StorageHammer.history(
            of: storage, key: ByteBuffer(string: "n"), clients: 16, operations: 12)
        #expect(history.isLinearizable)
        await storage.close()
    }

    @Test func aBboltDatabaseIsNotTouched() throws {
        // Its first page: an id, flags, a count, then the magic number and version of the meta.
        let content = Data(
            [UInt8](repeating: 0, count: 8) + [4, 0, 0, 0, 0, 0, 0, 0] + [0xED, 0xDA, 0x0C, 0xED, 2, 0, 0, 0])
        try content.write(to: URL(fileURLWithPath: self.path))
        #expect(
            throws: FileStorageError(
                "\(self.path) is a bbolt database of RoadRunner and is left as it is: name another file, or move this one away to begin with an empty storage"
            )
        ) { try self.open() }
        #expect(try Data(contentsOf: URL(fileURLWithPath: self.path)) == content)
    }

    @Test(arguments: ["x", String(repeating: "text ", count: 1000), "SQLite format 3\0 and no more"])
    func aFileOfAnotherKindIsNotTouched(content: String) throws {
        try content.write(toFile: self.path, atomically: true, encoding: .utf8)
        #expect(throws: FileStorageError.self) { try self.open() }
        #expect(try String(contentsOfFile: self.path, encoding: .utf8) == content)
        #expect(throws: FileStorageError("\(self.directory.path) is not a regular file")) {
            try self.open(self.directory.path)
        }
        #expect(throws: FileStorageError("\(self.directory.path)/x/y cannot be created: No such file or directory")) {
            try self.open(self.directory.path + "/x/y")
        }
    }

    @Test func aFileBelongsToOneStorage() async throws {
        let storage = try self.open()
        try FileManager.default.createSymbolicLink(atPath: self.path + "2", withDestinationPath: self.path)
        #expect(throws: FileStorageError("\(self.path)2 is the file of another storage of this service")) {
            try self.open(self.path + "2")
        }
        let writer = try StorageProcess(self.path)
        #expect(writer.line() == nil)
        writer.end()
        #expect(await storage.ask(.set([self.item("a")])) == .done)
        await storage.close()
        await (try self.open(self.path + "2")).close()
    }

    @Test func theModeIsOfANewFile() async throws {
        let storage = try FileStorage(FileStorageConfiguration(path: self.path, permissions: 0o600))
        #expect(try FileManager.default.attributesOfItem(atPath: self.path)[.posixPermissions] as? Int == 0o600)
        #expect(
            try FileManager.default.attributesOfItem(atPath: self.path + "-wal")[.posixPermissions] as? Int == 0o600)
        await storage.close()
    }

    /// A hundred times, the writer is killed after some answers: all that was answered is there, and nothing by half.
    @Test func whatWasAnsweredOutlivesAKill() async throws {
        var random = SeededGenerator(seed: 9)
        var last: Int64 = 0
        for _ in 0..<100 {
            let writer = try StorageProcess(self.path)
            var answered = last
            for _ in 0..<random.pick(1...30) {
                guard let line = writer.line() else { break }
                answered = Int64(line) ?? answered
            }
            writer.end()
            let storage = try self.open()
            guard
                case .numbers(let numbers) = await storage.ask(.increment([.init(key: ByteBuffer(string: "n"), by: 0)]))
            else {
                Issue.record("no number")
                return
            }
            #expect(numbers[0] >= answered && answered >= last)
            let keys = ["a", "b", "c"].map { ByteBuffer(string: "\($0)\(answered % 50)") }
            if answered > 0, case .values(let values) = await storage.ask(.get(keys)) {
                #expect(Set(values).count == 1 && values[0] != nil)
            }
            last = numbers[0]
            await storage.close()
        }
        #expect(last > 100)
    }
}
