import Observability

/// A feature with the path to its settings in the settings of the whole service.
package struct Part<All: Sendable>: Sendable {
    fileprivate let feature: any Feature
    fileprivate let prepareReload: @Sendable (All) async throws -> PreparedReload

    package init<F: Feature>(_ feature: F, _ settings: any KeyPath<All, F.FeatureSettings> & Sendable) {
        self.feature = feature
        self.prepareReload = { try await feature.prepareReload($0[keyPath: settings]) }
    }

    /// A feature without settings.
    package init<F: Feature>(_ feature: F) where F.FeatureSettings == Void {
        self.feature = feature
        self.prepareReload = { _ in try await feature.prepareReload(()) }
    }
}

/// Runs features together.
package struct FeatureList<All: Sendable>: Sendable {
    private let parts: [Part<All>]

    /// - Parameter parts: In the order of their start: each may rely on those before it.
    package init(_ parts: [Part<All>]) {
        self.parts = parts
    }

    /// - Throws: The error of the first feature that cannot start; all features are stopped then.
    package func start(_ service: ServiceView) async throws {
        for part in self.parts {
            do {
                try await part.feature.start(service)
            } catch {
                await self.stop()
                throw error
            }
        }
    }

    package func ready() {
        for part in self.parts {
            part.feature.ready()
        }
    }

    package func reloading() {
        for part in self.parts {
            part.feature.reloading()
        }
    }

    /// Prepares a reload of all, in order.
    ///
    /// - Throws: The error of the first feature that fails; earlier preparations are undone in reverse order.
    package func prepareReload(_ settings: All) async throws -> PreparedReload {
        var prepared: [PreparedReload] = []
        for part in self.parts {
            do {
                prepared.append(try await part.prepareReload(settings))
            } catch {
                for other in prepared.reversed() {
                    await other.undo()
                }
                throw error
            }
        }
        return PreparedReload { [prepared] in
            for part in prepared {
                part.commit()
            }
        } undo: { [prepared] in
            for part in prepared.reversed() {
                await part.undo()
            }
        }
    }

    package func drain() {
        for part in self.parts {
            part.feature.drain()
        }
    }

    /// Stops all, the last one first.
    package func stop() async {
        for part in self.parts.reversed() {
            await part.feature.stop()
        }
    }

    package func addMetrics(to text: inout PrometheusText) {
        for part in self.parts {
            part.feature.addMetrics(to: &text)
        }
    }

    package var health: [FeatureHealth] {
        self.parts.map(\.feature.health)
    }
}
