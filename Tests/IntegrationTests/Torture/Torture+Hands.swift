import Foundation
import TestSupport

extension Torture {
    /// Kills a worker from outside, or has it stand still.
    func hurtWorker(_ random: inout SeededGenerator) throws {
        self.rest(50...500, &random)
        guard let worker = self.rr.workers.sorted().randomElement(using: &random) else {
            return
        }
        kill(worker, [SIGKILL, SIGKILL, SIGTERM, SIGSTOP].randomElement(using: &random) ?? SIGKILL)
        self.count("workers hurt")
    }

    /// Resets and reloads.
    func signal(_ random: inout SeededGenerator) throws {
        self.rest(200...2000, &random)
        if random.chance(60) {
            self.rr.process.send(signal: SIGUSR2)
            self.count("resets")
        } else {
            var settings = self.rr.settings
            settings.workers = random.pick(2...6)
            try self.rr.reload(settings)
            self.count("reloads")
        }
    }
}
