internal import BenchmarkReport
internal import Posix

/// Everything that runs have in common: the servers, the loop, and how long they measure.
package final class Stage {
    package let driver: Driver
    package let servers: Servers
    /// How many seconds are measured.
    let seconds: Double
    /// How many seconds pass before the measurement. They do not count.
    let warmUp: Double
    let newRecorder: () -> any LatencyRecorder
    private let mark = String(SystemRandom.hexID().prefix(6))
    private var runs = 0

    package init(
        driver: Driver, servers: Servers, seconds: Double, warmUp: Double,
        newRecorder: @escaping () -> any LatencyRecorder
    ) {
        (self.driver, self.servers, self.seconds) = (driver, servers, seconds)
        (self.warmUp, self.newRecorder) = (warmUp, newRecorder)
    }

    /// Names that no other run has. Without a relay, they get the prefix that a private relay puts before them, so that
    /// Redis does the same work. They are equally long in each run, 19 bytes for the first 9,999, because the cost of a
    /// name depends on its length.
    func newNames(_ count: Int, for target: Target) -> ChannelNames {
        runs += 1
        let number = String(10_000 + runs).dropFirst()
        return ChannelNames(stem: "\(target == .direct ? "bench:" : "")b\(mark).\(number).", count: count)
    }

    /// A connection like an app's: to the relay, or to Redis itself.
    func connection(to target: Target, events: ConnectionEvents, number: Int) -> LoadConnection {
        switch (target, servers.redis) {
        case (.direct, let redis?):
            RedisConnection(driver: driver, server: redis, events: events, number: number)
        case (.direct, nil): preconditionFailure("direct runs need a Redis")
        case (.relay, _):
            RelayConnection(driver: driver, path: servers.socketPath, events: events, number: number)
        }
    }

    /// Waits until the servers have finished the work of the run before.
    func settle() throws(BenchmarkFailure) {
        func used() -> Double {
            [servers.relayPID, servers.redisPID].compactMap { $0 }
                .reduce(0) { $0 + (ProcessUsage.read(of: $1)?.total ?? 0) }
        }
        let deadline = Clock.monotonicNanoseconds() + 10_000_000_000
        var before = used()
        repeat {
            try driver.wait(seconds: 0.03)
            let now = used()
            if now - before < 0.002 { return }
            before = now
        } while Clock.monotonicNanoseconds() < deadline
    }
}
