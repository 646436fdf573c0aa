import Glibc
import TestSupport
import Testing

/// A subscribe link that works has a backlog. Messages come back late, and that is not an outage.
@Suite struct LagTests {
    private static let options = [
        "--heartbeat-interval", "200ms", "--link-timeout", "2s", "--probe", "300ms", "--window", "1KiB",
    ]

    @Test(arguments: [false, true]) func secondsOfBacklogOnALivingLinkAreNoOutage(onPort: Bool) throws {
        try withRelay(options: Self.options, onPort: onPort) { relay, redis in
            let watcher = try relay.client()
            // Redis sends a message once for each pattern, and the relay has to handle it once for each reader.
            let readers = try (0..<10).map { _ in try relay.client() }
            let patterns = (0..<100).map { "c" + String(repeating: "*", count: $0 + 1) }
            for reader in readers { #expect(try reader.subscribe(patterns: patterns) == .ok) }
            let plain = try redis.client()
            let payloads = [[UInt8]](repeating: [65], count: 500)
            // A faster relay needs a longer backlog.
            var rounds = 1
            while try lateProbes(relay) == 0 {
                if rounds > 200 { throw TestFailure("no backlog is long enough for this relay") }
                let probes = try relay.metric("hubrelay_probe_round_trip_seconds_count")
                relay.process.signal(SIGSTOP)
                for _ in 0..<rounds { try plain.publish("t:c", payloads) }
                relay.process.signal(SIGCONT)
                try eventually("a probe comes back", within: 60) {
                    try relay.metric("hubrelay_probe_round_trip_seconds_count") > probes + 1
                }
                try watcher.ping()
                try #require(watcher.status.outages == 0 && watcher.status.gaps == 0, "a false alarm")
                rounds *= 2
            }
        }
    }

    /// How many probes took longer than 2.5 s, which is more than the link's deadline.
    private func lateProbes(_ relay: RelayProcess) throws -> Double {
        let count = try relay.metric("hubrelay_probe_round_trip_seconds_count")
        return try count - relay.metric("hubrelay_probe_round_trip_seconds_bucket{le=\"2.5\"}")
    }
}
