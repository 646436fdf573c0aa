internal import BenchmarkReport

/// Opens connections, which then do nothing: what each of them costs in memory, and what it costs to open it.
final class IdleRun: Run {
    private let count: Int
    private let held: MemoryUse.Held?

    init(_ workload: Workload, _ target: Target, _ stage: Stage, count: Int) {
        (self.count, held) = (count, workload.held)
        super.init(workload, target, stage)
    }

    override func measure() throws(BenchmarkFailure) {
        noteMemory(held, isBefore: true)
        var interval = Interval(stage.servers)
        _ = try open(count)
        interval.finish()
        interval.enter(into: &measurement)
        measurement.messages = count
        // Memory that was needed only for opening is given back.
        try driver.wait(seconds: 0.1)
        noteMemory(held, isBefore: false)
    }
}
