internal import Glibc

/// The processors on which the load and the servers run. With all of them on one processor, the cost of a message is
/// steady even on a busy machine, because wakeups across processors and the decisions of the scheduler have no
/// influence. Rates are then those of one processor that everything shares.
package struct Placement {
    private let servers: Servers
    private let all: Affinity
    /// Whether workloads are pinned, except those of latency. Never true if the servers are not ours to move.
    package let isPinning: Bool

    /// - Throws: `BenchmarkFailure` if the kernel does not report which processors there are.
    package init(_ servers: Servers, pins: Bool) throws(BenchmarkFailure) {
        self.servers = servers
        all = try .own()
        isPinning = pins && servers.arePrivate
    }

    /// Moves everything to the processors where this workload is to run.
    package func place(_ workload: Workload) {
        guard isPinning else { return }
        let processors = workload.mayBePinned ? all.last : all
        processors.apply(to: [getpid()] + [servers.relayPID, servers.redisPID].compactMap { $0 })
    }
}
