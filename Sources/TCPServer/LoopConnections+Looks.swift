import NIOCore

/// One wheel of timers for all connections of the loop. It costs nothing while no connection has timeouts.
extension LoopConnections {
    /// The wheel's ticks, 20 ms apart. A look is never early.
    static let tick: UInt64 = 20_000_000

    /// - Parameter time: Of the loop's clock, in nanoseconds.
    func scheduleLook(_ entry: TimerEntry, at time: UInt64) {
        if self.wheel.count == 0 {
            // It was not turned meanwhile, and nothing is in it.
            _ = self.wheel.advance(to: self.eventLoop.now.uptimeNanoseconds / Self.tick)
        }
        self.wheel.schedule(entry, at: time / Self.tick + 1)
        self.armWheel()
    }

    func cancelLook(_ entry: TimerEntry) {
        self.wheel.cancel(entry)
        if self.wheel.count == 0 {
            self.wheelTurn?.task.cancel()
            self.wheelTurn = nil
        }
    }

    /// Has the wheel turned when its next entry may be due.
    private func armWheel() {
        guard let tick = self.wheel.nextTick else {
            return
        }
        if let turn = self.wheelTurn {
            guard tick < turn.tick else {
                return
            }
            turn.task.cancel()
        }
        let time = NIODeadline.uptimeNanoseconds(tick * Self.tick)
        let task = self.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.wheelTurn = nil
            self.turnWheel()
        }
        self.wheelTurn = (tick, task)
    }

    private func turnWheel() {
        let now = self.eventLoop.now.uptimeNanoseconds
        for entry in self.wheel.advance(to: now / Self.tick) {
            if let extras = entry as? ConnectionExtras {
                extras.connection.look(extras, at: now)
            }
        }
        self.armWheel()
    }
}
