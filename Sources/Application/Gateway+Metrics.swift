import Features
import Observability

extension Gateway {
    /// The view of the whole service that features get.
    var view: ServiceView {
        ServiceView {
            self.metrics
        } health: {
            HealthReport(self.status.phase, self.features.health)
        }
    }

    /// The current values of all metrics. Reads files: do not call it on an event loop with packets.
    private var metrics: PrometheusText {
        var text = PrometheusText()
        text.family("rr_build_info", .gauge, "The release that runs; always 1.") {
            $0.add(1, ("version", Version.current))
        }
        self.features.addMetrics(to: &text)
        let isDraining = self.status.phase == .draining
        text.family("rr_draining", .gauge, "Whether the service is stopping: 1 from the signal on.", isDraining ? 1 : 0)
        text.add(ProcessMetrics())
        return text
    }
}
