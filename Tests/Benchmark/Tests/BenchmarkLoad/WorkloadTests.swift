internal import BenchmarkReport
internal import Testing

@testable internal import BenchmarkLoad

@Suite("The lists of workloads")
struct WorkloadTests {
    @Test("no name stands for two workloads", arguments: [Workload.standard, Workload.scale])
    func names(list: [Workload]) {
        #expect(Set(list.map(\.name)).count == list.count)
    }

    @Test("every payload has room for its stamp", arguments: [Workload.standard, Workload.scale])
    func payloads(list: [Workload]) {
        #expect(list.allSatisfy { $0.payloadBytes >= MessageStamp.byteCount })
    }

    @Test("memory that is held is measured on servers that have served nothing", arguments: Workload.standard)
    func freshServers(workload: Workload) {
        #expect(workload.needsFreshServers == ["conns 5000", "subs 100k", "subs 1k"].contains(workload.name))
    }

    @Test("the latency workloads alone run on all processors", arguments: Workload.standard)
    func pinning(workload: Workload) {
        #expect(workload.mayBePinned == !workload.name.hasPrefix("latency"))
    }
}
