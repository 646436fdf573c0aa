internal import Glibc

/// On which processors the load and the servers run. All on one: what a message costs is then steady even on a busy
/// machine, because wakeups across processors, and where the scheduler puts things, play no part. Rates are then those
/// of one processor that all share.
package struct Placement {
    private let servers: Servers
    private let all: Affinity
    /// Whether workloads are pinned, those of latency aside. Never where the servers are not ours to be moved.
    package let isPinning: Bool

    /// - Throws: `BenchmarkFailure` when the kernel does not tell which processors there are.
    package init(_ servers: Servers, pins: Bool) throws(BenchmarkFailure) {
        self.servers = servers
        all = try .own()
        isPinning = pins && servers.arePrivate
    }

    /// Moves everything to where this workload is to run.
    package func place(_ workload: Workload) {
        guard isPinning else { return }
        let processors = workload.mayBePinned ? all.last : all
        processors.apply(to: [getpid()] + [servers.relayPID, servers.redisPID].compactMap { $0 })
    }
}
