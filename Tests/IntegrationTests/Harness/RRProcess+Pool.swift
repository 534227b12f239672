import Foundation
import TestSupport

extension RRProcess {
    /// Waits for so many workers, none of them among those that are to be gone.
    func awaitWorkers(
        _ count: Int,
        without gone: Set<pid_t> = [],
        within duration: Duration = Deadline.patience
    ) throws {
        try eventually("\(count) workers", within: duration) {
            let workers = self.workers
            return workers.count == count && workers.isDisjoint(with: gone)
        }
    }

    /// Waits until a metric has a value.
    func awaitMetric(_ series: String, _ value: Double, at endpoint: Endpoint) throws {
        try eventually("\(series) to be \(value)") { try Metrics.scrape(endpoint)[series] == value }
    }

    /// Checks for a while that a condition stays true: no event reports that nothing happens.
    func always(_ what: String, for duration: Duration, _ isTrue: () throws -> Bool) throws {
        let deadline = Deadline(duration)
        repeat {
            guard try isTrue() else {
                throw Broken(promise: what)
            }
            usleep(10_000)
        } while !deadline.hasPassed
    }

    /// Puts another configuration where the one is that it was started with.
    func write(_ settings: Settings) throws {
        try self.directory.write(settings.yaml(events: self.events.path), to: ".rr.yaml")
    }

    /// Has it read its configuration anew, and waits until it says how that went.
    ///
    /// - Returns: the line that says so
    @discardableResult
    func reload(_ settings: Settings) throws -> String {
        try self.write(settings)
        return try self.reload()
    }

    @discardableResult
    func reload() throws -> String {
        let verdicts = { self.log.all.filter { $0.contains("the configuration was ") } }
        let before = verdicts().count
        self.process.send(signal: SIGHUP)
        return try awaitValue("a verdict on the configuration") {
            let now = verdicts()
            return now.count > before ? now.last : nil
        }
    }
}

struct Broken: Error, CustomStringConvertible {
    var promise: String

    var description: String { "it does not hold: \(self.promise)" }
}
