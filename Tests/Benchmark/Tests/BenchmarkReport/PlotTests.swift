import Testing

@testable import BenchmarkReport

@Suite("Which workloads are plotted, and where")
struct PlotTests {
    func workloads(_ runs: [Measurement]) -> [WorkloadFigures] { report(runs).workloads }

    func text(_ pictures: [Picture]) -> String {
        var page = Markup()
        for picture in pictures { picture.write(to: &page) }
        return page.text
    }

    @Test("bars are split by scale, and keep their order")
    func scales() {
        let costs = [("a", 1.0), ("b", 100), ("c", 0.5), ("d", 13), ("e", 12.5), ("f", 2)]
        let rows = workloads(costs.map { run($0.0, .publish, .direct, redis: $0.1) })
        #expect(CostBars.scales(rows).map { $0.map(\.name) } == [["a", "c", "f"], ["b", "d", "e"]])
        #expect(CostBars.scales([]).isEmpty)
    }

    @Test("a workload of which nothing is known has no bar, and one of which a part is unknown says so")
    func unknownBars() {
        #expect(CostBars.pictures(of: workloads([run(.relay, relay: 1, redis: nil)])).isEmpty)
        let partly = text(
            CostBars.pictures(of: workloads([run(.relay, relay: 1, redis: nil), run(.direct, redis: 2.5)])))
        #expect(partly.contains(">not known<") && partly.contains(">2.50<"))
        // Both are known, but not in the same round.
        let apart = text(
            CostBars.pictures(
                of: workloads([
                    run(.relay, round: 1, relay: 1, redis: nil), run(.relay, round: 2, relay: nil, redis: 1),
                    run(.direct, redis: 2.5),
                ])))
        #expect(apart.contains(">not known<"))
        let whole = text(
            CostBars.pictures(of: workloads([run(.relay, relay: 1, redis: 0.5), run(.direct, redis: 2.5)])))
        #expect(!whole.contains("not known") && whole.contains(">1.00 + 0.500<"))
    }

    @Test("the greatest latency of n stands at 1 - 1/n, and a summary without a curve has five points")
    func curves() {
        let coarse = text(
            LatencyCurves.pictures(
                of: workloads([run("timed", .latency, .relay, relay: 1, redis: 1, latencies: latencies(10))])))
        // The lines of the legend and of the curve, which goes from the median near the left to the edge at 99.99 %.
        let lines = coarse.split(separator: "\n").filter { $0.contains("<polyline") }
        #expect(lines.count == 2)
        let points = lines.last?.split(separator: "\"")[1].split(separator: " ") ?? []
        #expect(points.count == 5)
        #expect(points.last?.hasPrefix("\(Panel.left + Panel.innerWidth),") == true)
        #expect(coarse.contains(">99.99 %<") && !coarse.contains(">99.999 %<"))
    }

    @Test("of several rounds the one in the middle is thick, in front of the others; direct is dashed")
    func rounds() {
        let rounds = [(1, 200.0), (2, 20), (3, 100), (4, 2000)].map { round, microseconds in
            let curve = [0, 50, 90].map { LatencySummary.Point(percentile: $0, microseconds: microseconds) }
            return run(
                "timed", .latency, .direct, round: round, redis: 1, latencies: latencies(microseconds, curve: curve))
        }
        let lines = text(LatencyCurves.pictures(of: workloads(rounds))).split(separator: "\n")
            .filter { $0.contains("<polyline") }
        // The first line belongs to the legend.
        let curves = lines.dropFirst()
        #expect(curves.map { $0.contains("stroke-width=\"1\"") } == [true, true, true, false])
        #expect(curves.map { $0.split(separator: "\"")[1].split(separator: " ").count } == [3, 3, 3, 3])
        let heights = curves.compactMap {
            $0.split(separator: "\"")[1].split(separator: ",").last.flatMap { Double($0) }
        }
        // Heights count downwards: 20, 200 and 2000, then 100.
        #expect(heights.count == 4 && heights[0] > heights[3] && heights[3] > heights[1] && heights[1] > heights[2])
        #expect(lines.allSatisfy { $0.contains("stroke-dasharray=\"6 3\"") })
    }

    @Test("workloads that differ in the window too are lines of the same window")
    func windows() {
        let runs = [(1, 1), (1, 64), (4, 16), (8, 16), (64, 16)].map { (subscribers: Int, window: Int) in
            run(
                "\(subscribers) \(window)", .fanOut, .relay, relay: 1, redis: 1,
                parameters: Parameters(subscribers: subscribers, window: window))
        }
        let plots = ScalePlots.plots(of: workloads(runs), .fanOut)
        #expect(plots.count == 1)
        let lines = plots.map { text($0.pictures) }.joined()
        #expect(lines.contains("Processor time per message, window 16<"))
        #expect(lines.contains("4: 2.00 us, 8: 2.00 us, 64: 2.00 us") && !lines.contains(" 1: 2.00 us"))
    }

    @Test("figures that lie far apart are on a logarithmic axis, others begin at 0")
    func heights() {
        func plot(_ costs: [Double]) -> String {
            let runs = costs.enumerated().map { index, cost in
                run(
                    "\(index)", .channels, .direct, redis: cost, parameters: Parameters(channels: index + 1),
                    counts: MessageCounts())
            }
            return ScalePlots.plots(of: workloads(runs), .channels).map { text($0.pictures) }.joined()
        }
        #expect(plot([2, 40]).contains(">50<") && !plot([2, 40]).contains(">0<"))
        #expect(plot([10, 40]).contains(">0<"))
        #expect(plot([2, 40]).split(separator: "\n").count { $0.contains("<svg") } == 1, "no rate, no picture")
    }

    @Test("latencies of workloads that are not about them are not plotted")
    func otherLatencies() {
        let rows = workloads([run(.relay, relay: 1, redis: 1, latencies: latencies(10))])
        #expect(LatencyCurves.pictures(of: rows).isEmpty)
    }

    @Test("one value of a parameter is no line, and two lines of one group are two plots")
    func scaleLines() {
        func payload(_ size: Int, _ subscribers: Int?) -> Measurement {
            run(
                "\(size) \(subscribers ?? 0)", .payloads, .relay, relay: 1, redis: 1,
                parameters: Parameters(payloadBytes: size, subscribers: subscribers))
        }
        #expect(ScalePlots.plots(of: workloads([payload(16, nil)]), .payloads).isEmpty)
        let one = ScalePlots.plots(of: workloads([payload(4096, nil), payload(16, 8)]), .payloads)
        #expect(one.map(\.pictures.count) == [2])
        #expect(text(one[0].pictures).contains("16 B: 2.00 us, 4 KiB: 2.00 us"))
        let known = ScalePlots.plots(
            of: workloads([payload(16, nil), payload(4096, nil), payload(16, 1), payload(4096, 1)]), .payloads)
        #expect(text(known[0].pictures).contains("Processor time per message, no subscribers<"))
        #expect(text(known[1].pictures).contains("Processor time per message, 1 subscriber<"))
        let two = ScalePlots.plots(
            of: workloads([payload(16, nil), payload(4096, nil), payload(16, 8), payload(4096, 8)]), .payloads)
        #expect(two.count == 2)
        #expect(text(two[1].pictures).contains("Processor time per message, 8 subscribers"))
    }
}
