import Testing

@testable import BenchmarkReport

@Suite("Figures over the rounds of a workload")
struct WorkloadFiguresTests {
    @Test(
        "the median is the middle figure, or lies between the two in the middle",
        arguments: [
            ([5.0], 5.0, 5.0, 5.0), ([9, 1, 4], 4, 1, 9), ([8, 1, 4, 2], 3, 1, 8), ([.nan, 2, .infinity], 2, 2, 2),
        ])
    func median(figures: [Double], median: Double, min: Double, max: Double) throws {
        let spread = try #require(Spread(figures))
        #expect(spread.median == median && spread.min == min && spread.max == max)
    }

    @Test("of no figures there is no median")
    func noMedian() {
        #expect(Spread([]) == nil && Spread([.nan]) == nil)
    }

    @Test("each round is compared with its neighbour, and a round without one with nothing")
    func neighbours() throws {
        let figures = WorkloadFigures([
            // The ratio is 2.0. The medians of the two columns would give (3 + 1) / 3.
            run(.relay, round: 1, relay: 3, redis: 1), run(.direct, round: 1, redis: 2),
            // These runs have no partner.
            run(.relay, round: 2, relay: 90, redis: 9), run(.direct, round: 4, redis: 50),
            // The ratio is 0.5.
            run(.direct, round: 3, redis: 4), run(.relay, round: 3, relay: 1.5, redis: 0.5),
        ])
        let ratio = try #require(figures.ratio)
        #expect(ratio.median == 1.25 && ratio.min == 0.5 && ratio.max == 2)
        #expect(figures.rounds == 4)
        #expect(figures.relayCPU?.median == 3 && figures.redisCPU?.median == 1 && figures.directCPU?.median == 4)
        #expect(figures.totalCPU?.median == 4)
    }

    @Test("what is not known is not taken for nothing: no sum, and no ratio")
    func unknownCPU() {
        let runs = [
            run(.relay, round: 1, relay: nil, redis: 1), run(.direct, round: 1, redis: 1),
            run(.relay, round: 2, relay: 1, redis: nil), run(.direct, round: 2, redis: 1),
            run(.relay, round: 3, relay: 1, redis: 1), run(.direct, round: 3, redis: nil),
            run(.relay, round: 4, relay: 1, redis: 1), run(.direct, round: 4, redis: 0),
        ]
        #expect(WorkloadFigures(runs).ratio == nil)
        #expect(WorkloadFigures(Array(runs.prefix(4))).totalCPU == nil)
        var none = run(.relay, relay: 1, redis: 1)
        none.messages = 0
        none.seconds = 0
        #expect(none.totalCPU == nil && none.perSecond(.publishes) == nil)
        #expect(WorkloadFigures([none]).relayCPU == nil && WorkloadFigures([none]).relayRate == nil)
    }

    @Test("a rate is that of deliveries where there are any, of connections where those are counted")
    func rates() {
        let delivered = MessageCounts(published: 1_000_000, delivered: 8_000_000)
        let fanOut = WorkloadFigures([
            run(.relay, relay: 1, redis: 1, counts: delivered), run(.direct, redis: 1),
        ])
        #expect(fanOut.rateUnit == .deliveries)
        #expect(fanOut.relayRate?.median == 4_000_000 && fanOut.directRate?.median == 0)
        let publish = WorkloadFigures([run(.relay, relay: 1, redis: 1)])
        #expect(publish.rateUnit == .publishes && publish.relayRate?.median == 500_000)
        let short = WorkloadFigures([run("short", .shortConnections, .relay, relay: 1, redis: 1, counts: delivered)])
        #expect(short.rateUnit == .connections && short.relayRate?.median == 500_000)
    }

    @Test("memory is told for each thing that is held, and of nothing there is no share")
    func memory() {
        func figures(_ held: MemoryUse.Held?) -> WorkloadFigures {
            let memory = MemoryUse(start: 1_000_000, end: 8_000_000, held: held)
            return WorkloadFigures([run(.relay, relay: 1, redis: 1, memory: memory)])
        }
        #expect(figures(.connections(10_000)).bytesPerHeld?.median == 700)
        #expect(figures(.subscriptions(28_000)).bytesPerHeld?.median == 250)
        #expect(MemoryUse(start: 1, end: 2, held: .connections(0)).bytesPerHeld == nil)
        #expect(figures(.connections(0)).bytesPerHeld == nil && figures(nil).bytesPerHeld == nil)
    }

    @Test("workloads stand in the order in which they first come")
    func order() {
        let runs = ["b", "a", "b", "c", "a"].map { run($0, .publish, .relay, relay: 1, redis: 1) }
        #expect(report(runs).workloads.map(\.name) == ["b", "a", "c"])
    }
}
