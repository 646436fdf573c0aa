import Testing

@testable import BenchmarkReport

@Suite("What the figures say, in sentences")
struct SummaryTests {
    @Test("cost, latency, memory and deliveries")
    func sentences() {
        let delivered = MessageCounts(published: 10, delivered: 1_500_000, lost: 2)
        let memory = MemoryUse(start: 0, end: 7_000_000, held: .connections(10_000))
        let summary = report([
            run("one", .publish, .relay, relay: 2, redis: 1), run("one", .publish, .direct, redis: 1),
            run("many", .fanOut, .relay, relay: 1, redis: 1, counts: delivered),
            run("many", .fanOut, .direct, redis: 4, counts: delivered),
            run("timed", .latency, .relay, relay: 1, redis: nil, latencies: latencies(90)),
            run("timed", .latency, .direct, redis: 1, latencies: latencies(50)),
            run("idle", .idleConnections, .relay, relay: 1, redis: 1, memory: memory),
        ]).summary
        #expect(
            summary == [
                "Relay and Redis together take from 0.50 times (many) to 3.00 times (one) the processor time of Redis "
                    + "alone.",
                "In 1 of 2 workloads they take less than Redis alone: many.",
                "timed: half of all messages arrive within 90.0 us, and 99 % within 270 us (direct: 50.0 us and "
                    + "150 us).",
                "idle: each connection takes 700 bytes of the relay's memory.",
                "Through hubrelay there were 1,500,000 deliveries; 2 reported as lost, none missing and none "
                    + "delivered twice.",
            ])
    }

    @Test("what was not measured is not spoken of")
    func nothing() {
        #expect(report([]).summary.isEmpty)
        let memory = MemoryUse(start: 0, end: 1_000_000, held: .subscriptions(100))
        #expect(report([run(.relay, relay: 1, redis: nil, memory: memory)]).summary.isEmpty)
        #expect(report([run(.relay, relay: 1, redis: nil), run(.direct, redis: 1)]).summary.isEmpty)
    }

    @Test("of one workload there is no range, and of many not all are named")
    func counts() {
        func runs(_ names: [String]) -> [Measurement] {
            names.flatMap { [run($0, .publish, .relay, relay: 1, redis: 1), run($0, .publish, .direct, redis: 4)] }
        }
        #expect(
            report(runs(["a"])).summary.first
                == "Relay and Redis together take 0.50 times (a) the processor time of Redis alone.")
        #expect(
            report(runs(["a", "b", "c", "d", "e"])).summary[1]
                == "In 5 of 5 workloads they take less than Redis alone: a, b, c and 2 more.")
    }
}
