internal import BenchmarkReport

/// Opens connections, which then do nothing: what each of them costs in memory, and to open.
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
        // What was needed for opening alone is given back.
        try driver.wait(seconds: 0.1)
        noteMemory(held, isBefore: false)
    }
}
