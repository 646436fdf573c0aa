import BenchmarkReport
import Foundation
import Testing

@Suite("The report as JSON, against an independent parser")
struct ReportJSONTests {
    func parsed(_ report: Report) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? NSDictionary)
    }

    @Test("every figure of a run is there under its own key")
    func everything() throws {
        var measurement = run(
            "w", .subscriptions, .relay, round: 3, relay: 4, redis: 2,
            parameters: Parameters(
                connections: 1, channels: 2, payloadBytes: 3, subscribers: 4, rate: 5, window: 6),
            counts: MessageCounts(published: 11, delivered: 12, lost: 13, missing: 14, duplicates: 15, refused: 16),
            memory: MemoryUse(start: 21, end: 31, held: .subscriptions(5)),
            latencies: latencies(10, curve: [.init(percentile: 99.5, microseconds: 30.5)]))
        measurement.generatorCPU = ProcessorTime(user: 0.5, system: 0.25)
        measurement.generatorLateness = latencies(1, corrected: false)
        let json = try parsed(report([measurement]))
        let expected: NSDictionary = [
            "workload": "w", "group": "subscriptions", "target": "relay", "round": 3, "seconds": 2,
            "parameters": [
                "connections": 1, "channels": 2, "payload_bytes": 3, "subscribers": 4, "rate_per_second": 5,
                "window": 6,
            ],
            "messages": 1_000_000, "published": 11, "delivered": 12, "lost": 13, "missing": 14, "duplicates": 15,
            "refused": 16, "relay_cpu": ["user_seconds": 3, "system_seconds": 1],
            "redis_cpu": ["user_seconds": 1, "system_seconds": 1],
            "generator_cpu": ["user_seconds": 0.5, "system_seconds": 0.25],
            "relay_memory": [
                "start_bytes": 21, "end_bytes": 31, "held": ["what": "subscriptions", "count": 5] as NSDictionary,
            ] as NSDictionary,
            "latency": [
                "count": 10_000, "corrected": true, "p50_us": 10, "p90_us": 20, "p99_us": 30, "p999_us": 40,
                "max_us": 100, "curve_percentile_us": [[99.5, 30.5]],
            ] as NSDictionary,
            "generator_lateness": [
                "count": 10_000, "corrected": false, "p50_us": 1, "p90_us": 2, "p99_us": 3, "p999_us": 4, "max_us": 10,
                "curve_percentile_us": [] as [Double],
            ] as NSDictionary,
        ]
        #expect((json["measurements"] as? [NSDictionary]) == [expected])
        #expect(json["format"] as? String == "hubrelay-bench" && json["format_version"] as? Int == 1)
        #expect(json["date"] as? String == "2026-01-02T03:04:05Z" && json["pinned"] as? Bool == true)
        #expect(json["relay_tls"] as? Bool == false)
        #expect(
            json["machine"] as? NSDictionary == [
                "processor": "Example CPU", "cores": 2, "kernel": "Linux 6.1.0", "memory_bytes": 8_589_934_592,
            ])
        #expect(json["versions"] as? NSDictionary == ["hubrelay": "1.2.3", "redis": "7.0.15"])
    }

    @Test("medians stand beside the rounds")
    func workloads() throws {
        let json = try parsed(
            report([
                run(.relay, round: 1, relay: 1, redis: 1), run(.direct, round: 1, redis: 1),
                run(.relay, round: 2, relay: 3, redis: 1), run(.direct, round: 2, redis: 1),
            ]))
        let expected: NSDictionary = [
            "workload": "publish", "group": "publish", "rounds": 2,
            "relay_cpu_us_per_message": ["median": 2, "min": 1, "max": 3],
            "redis_cpu_us_per_message": ["median": 1, "min": 1, "max": 1],
            "direct_cpu_us_per_message": ["median": 1, "min": 1, "max": 1],
            "cpu_ratio": ["median": 3, "min": 2, "max": 4], "rate_of": "publishes",
            "relay_per_second": ["median": 500_000, "min": 500_000, "max": 500_000],
            "direct_per_second": ["median": 500_000, "min": 500_000, "max": 500_000],
            "memory_bytes_each": NSNull(),
        ]
        #expect((json["workloads"] as? [NSDictionary]) == [expected])
        #expect((json["measurements"] as? [NSDictionary])?.count == 4)
    }

    @Test("what is not known is null, and so is what JSON has no number for")
    func nulls() throws {
        var measurement = run(.direct, redis: nil)
        measurement.seconds = .infinity
        let json = try parsed(
            Report(machine: Machine(), versions: Versions(), date: "", pinned: false, measurements: [measurement]))
        let member = try #require((json["measurements"] as? [NSDictionary])?.first)
        let keys = [
            "seconds", "relay_cpu", "redis_cpu", "generator_cpu", "relay_memory", "latency", "generator_lateness",
        ]
        for key in keys { #expect(member[key] is NSNull, "\(key)") }
        #expect((member["parameters"] as? NSDictionary)?.allValues.allSatisfy { $0 is NSNull } == true)
        #expect((json["machine"] as? NSDictionary)?.allValues.allSatisfy { $0 is NSNull } == true)
        #expect((json["versions"] as? NSDictionary)?.allValues.allSatisfy { $0 is NSNull } == true)
    }

    @Test("an empty report, a whole one, and names of any characters")
    func shapes() throws {
        #expect((try parsed(report([]))["measurements"] as? [Any])?.isEmpty == true)
        #expect((try parsed(everyGroup())["workloads"] as? [Any])?.count == 30)
        let name = "\"\\\n\u{1}é|<&"
        let json = try parsed(report([run(name, .publish, .relay, relay: 1, redis: 1)]))
        #expect((json["measurements"] as? [NSDictionary])?.first?["workload"] as? String == name)
    }
}
