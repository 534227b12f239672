import TestSupport
import Testing

@testable import ApplicationMetrics

@Suite struct QuantileTests {
    private static let usual = [
        QuantileObjective(0.5, error: 0.05), QuantileObjective(0.9, error: 0.01), QuantileObjective(0.99, error: 0.001),
    ]

    /// The ranks that a value has in a sorted list, as parts of it.
    private func ranks(_ value: Double, in sorted: [Double]) -> ClosedRange<Double> {
        let below = sorted.count { $0 < value }
        let upTo = sorted.count { $0 <= value }
        return Double(below) / Double(sorted.count)...Double(upTo) / Double(sorted.count)
    }

    @Test(arguments: ["random", "ascending", "descending", "few", "skewed", "signed"], [1, 50, 500])
    func errorsAreWithinUsualObjectives(order: String, batch: Int) throws {
        var random = SeededGenerator(seed: 7)
        var values = (0..<10_000).map { index -> Double in
            switch order {
            case "few": Double(random.pick(0...3))
            case "skewed": 1 / Double(random.pick(1...1_000_000))
            case "random": Double(random.pick(0...1_000_000))
            case "signed": random.chance(50) ? -.greatestFiniteMagnitude : .greatestFiniteMagnitude
            default: Double(index)
            }
        }
        if order == "descending" { values.reverse() }
        var sketches = [QuantileSketch(), QuantileSketch()]
        for start in stride(from: 0, to: values.count, by: batch) {
            sketches[start % 2].add(values[start..<start + batch].sorted())
        }
        sketches[0].add(sketches[1])
        values.sort()
        for objective in Self.usual {
            let value = try #require(sketches[0].value(of: objective.quantile))
            #expect(value.isFinite)
            let ranks = self.ranks(value, in: values)
            let allowed = objective.quantile - objective.error...objective.quantile + objective.error
            // One value more or less.
            #expect(ranks.overlaps(allowed.lowerBound - 0.0001...allowed.upperBound + 0.0001), "\(ranks)")
        }
        #expect(sketches[0].value(of: 0) == values.first)
        #expect(sketches[0].value(of: 1) == values.last)
        #expect(sketches[0].clusterCount <= QuantileSketch.mostClusters)
    }

    @Test func fewValuesAreExact() {
        var sketch = QuantileSketch()
        #expect(sketch.value(of: 0.5) == nil)
        sketch.add([3])
        #expect([0, 0.5, 1].map { sketch.value(of: $0) } == [3, 3, 3])
        sketch.add([1, 2])
        #expect([0, 0.1, 0.5, 0.99, 1].map { sketch.value(of: $0) } == [1, 1, 2, 3, 3])
    }

    @Test func valuesAreForgottenAfterTenMinutes() {
        let minute: Int64 = 60 * 1_000_000_000
        var window = QuantileWindow(at: 0)
        #expect(window.values(of: [0.5], at: 0)[0].isNaN)
        window.add(5, at: minute)
        #expect(window.values(of: [0.5], at: 9 * minute) == [5])
        window.add(7, at: 9 * minute)
        #expect([5, 7].contains(window.values(of: [0.5], at: 9 * minute)[0]))
        // The first value is gone, the second is not.
        #expect(window.values(of: [0.5], at: 11 * minute) == [7])
        #expect(window.values(of: [0.5], at: 17 * minute) == [7])
        #expect(window.values(of: [0.5], at: 20 * minute)[0].isNaN)
        let century = 60 * 24 * 365 * 100 * minute
        window.add(9, at: century)
        #expect(window.values(of: [0.5], at: century) == [9])
    }
}
