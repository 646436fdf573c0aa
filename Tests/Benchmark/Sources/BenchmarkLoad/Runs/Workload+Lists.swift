internal import BenchmarkReport

extension Workload {
    /// The workloads that are compared from version to version.
    package static let standard: [Workload] = [
        Workload(name: "conns 5000", group: .idleConnections, kind: .idle(connections: 5000)),
        subscriptions("subs 100k", 100_000),
        subscriptions("subs 1k", 1_000),
        publish("pub n=1 w=1", 1, 1),
        publish("pub n=4 w=8", 4, 8),
        publish("pub n=16 w=64", 16, 64),
        publish("pub n=4 w=16 16KiB", 4, 16, payloadBytes: 16 << 10),
        fanOut("fanout k=1 w=1", 1, 1),
        fanOut("fanout k=1 w=64", 1, 64),
        fanOut("fanout k=4 w=16", 4, 16),
        fanOut("fanout k=4 w=64", 4, 64),
        fanOut("fanout k=8 w=16", 8, 16),
        fanOut("fanout k=64 w=16", 64, 16),
        latency("latency 1k/s", 1_000),
        latency("latency 10k/s", 10_000),
    ]

    /// Workloads that show how costs grow with each thing that can grow in number.
    package static let scale = publishers + channels + published + delivered + subscribers + short + rates

    private static let publishers: [Workload] = [1, 10, 100, 1_000, 5_000].map { count in
        publish("publishers \(grouped(count))", count, 1, group: .connections)
    }

    /// The last count is the most that one connection may have.
    private static let channels: [Workload] = [1, 100, 10_000, 100_000, 200_000].map { count in
        Workload(
            name: "channels \(grouped(count))", group: .channels,
            kind: .fanOut(subscribers: 1, window: 16, channels: count))
    }

    private static func grouped(_ number: Int) -> String {
        number < 1_000 ? "\(number)" : "\(number / 1_000),000"
    }

    private static let published: [Workload] = sizes.map { count, text in
        publish("payload \(text), published", 4, 4, group: .payloads, payloadBytes: count)
    }

    /// Two at a time: a larger window than what the relay keeps for one connection would lose messages.
    private static let delivered: [Workload] = sizes.map { count, text in
        Workload(
            name: "payload \(text), delivered", group: .payloads,
            kind: .fanOut(subscribers: 1, window: 2, channels: 1), payloadBytes: count)
    }

    private static let subscribers: [Workload] = [1, 4, 16, 64].map { count in
        Workload(
            name: "subscribers \(count)", group: .subscribers,
            kind: .fanOut(subscribers: count, window: 16, channels: 1))
    }

    private static let short: [Workload] = [
        Workload(name: "short connections", group: .shortConnections, kind: .short(parallel: 1)),
        Workload(name: "short connections, 16 at a time", group: .shortConnections, kind: .short(parallel: 16)),
    ]

    private static let rates = [
        latency("latency 1k/s", 1_000), latency("latency 10k/s", 10_000), latency("latency 50k/s", 50_000),
    ]

    /// The last size is the most that the relay accepts, unless it is configured otherwise.
    private static let sizes = [
        (16, "16 B"), (256, "256 B"), (4 << 10, "4 KiB"), (64 << 10, "64 KiB"), (1 << 20, "1 MiB"),
    ]

    private static func publish(
        _ name: String, _ connections: Int, _ window: Int, group: WorkloadGroup = .publish, payloadBytes: Int = 200
    ) -> Workload {
        Workload(
            name: name, group: group, kind: .publish(connections: connections, window: window),
            payloadBytes: payloadBytes)
    }

    private static func fanOut(_ name: String, _ subscribers: Int, _ window: Int) -> Workload {
        Workload(name: name, group: .fanOut, kind: .fanOut(subscribers: subscribers, window: window, channels: 1))
    }

    private static func subscriptions(_ name: String, _ channels: Int) -> Workload {
        Workload(name: name, group: .subscriptions, kind: .fanOut(subscribers: 1, window: 64, channels: channels))
    }

    private static func latency(_ name: String, _ rate: Int) -> Workload {
        Workload(name: name, group: .latency, kind: .fixedRate(rate))
    }
}
