import TestSupport
import Testing

/// `/metrics`. Its names are an interface.
@Suite struct MetricsTests {
    private static let names = [
        "hubrelay_state", "hubrelay_link_up", "hubrelay_outages_total", "hubrelay_outage_seconds_total",
        "hubrelay_gaps_total", "hubrelay_probe_enabled", "hubrelay_probe_round_trip_seconds",
        "hubrelay_loop_lag_seconds", "hubrelay_loop_lag_longest_seconds", "hubrelay_state_cause",
        "hubrelay_redis_connection_attempts_total", "hubrelay_publishes_in_flight", "hubrelay_subscribes_total",
        "hubrelay_last_reload_successful", "hubrelay_last_reload_success_timestamp_seconds",
        "hubrelay_fleet_relays",
        "hubrelay_names", "hubrelay_connections_limit", "hubrelay_subscriptions_limit", "hubrelay_buffered_limit_bytes",
        "hubrelay_publishes_total", "hubrelay_messages_received_total", "hubrelay_messages_delivered_total",
        "hubrelay_messages_lost_total", "hubrelay_publishes_lost_total", "hubrelay_received_bytes_total",
        "hubrelay_sent_bytes_total", "hubrelay_connections", "hubrelay_connections_accepted_total",
        "hubrelay_connections_closed_total",
        "hubrelay_subscriptions", "hubrelay_buffered_bytes", "hubrelay_log_lines_dropped_total", "hubrelay_build_info",
        "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
        "process_start_time_seconds",
    ]

    @Test func everyMetricIsThereAndPromtoolFindsNoFault() throws {
        try withRelay(options: ["--fleet", "30s"]) { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            #expect(try client.publish("c", "x").outcome == .ok)
            let answer = try relay.http("/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            let types = answer.body.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
            for name in Self.names {
                #expect(types.contains { $0.hasPrefix("# TYPE \(name) ") }, "no \(name)")
            }
            #expect(answer.body.contains("cause=\"topology\""))
            #expect(!answer.body.contains("no_relay"), "a cause that only clients have")
            let file = relay.directory.path(of: "metrics")
            try writeFile(file, answer.body)
            let promtool = try ChildProcess(
                "sh", ["-c", "promtool check metrics < \"$0\"", file],
                log: relay.directory.path(of: "promtool"))
            #expect(try promtool.waitForExit() == .code(0), "\(promtool.output)\(promtool.errors)")
            #expect(
                promtool.output.isEmpty && promtool.errors.isEmpty, "\(promtool.output)\(promtool.errors)")
        }
    }

    /// The samples of the causes that are set.
    private func causes(_ relay: RelayProcess) throws -> [Substring] {
        try relay.http("/metrics").body.split(separator: "\n").filter {
            $0.hasPrefix("hubrelay_state_cause{") && $0.hasSuffix(" 1")
        }
    }

    @Test func theyCountWhatHappened() throws {
        try withRelay { relay, redis in
            // The harness, which waited until the relay was UP, has also made connections.
            let accepted = try relay.metric("hubrelay_connections_accepted_total")
            let client = try relay.client()
            let second = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            #expect(try second.subscribe("c", patterns: ["d*"]) == .ok)
            for _ in 0..<10 { #expect(try client.publish("c", "x").outcome == .ok) }
            #expect(try client.publish("", "x").outcome == .invalid)
            for connection in [client, second] { for _ in 0..<10 { try connection.expectMessage() } }
            #expect(try relay.metric("hubrelay_publishes_total{outcome=\"ok\"}") == 10)
            #expect(try relay.metric("hubrelay_publishes_total{outcome=\"invalid\"}") == 1)
            #expect(try relay.metric("hubrelay_messages_received_total") == 10)
            #expect(try relay.metric("hubrelay_messages_delivered_total") == 20)
            #expect(try relay.metric("hubrelay_connections") == 2)
            #expect(try relay.metric("hubrelay_connections_accepted_total") == accepted + 2)
            #expect(try relay.metric("hubrelay_subscriptions") == 3)
            #expect(try relay.metric("hubrelay_names") == 2)
            #expect(try relay.metric("hubrelay_subscribes_total{outcome=\"ok\"}") == 2)
            #expect(try relay.metric("hubrelay_connections_limit") >= 2)
            #expect(try relay.metric("hubrelay_redis_connection_attempts_total{link=\"publish\"}") == 1)
            #expect(try causes(relay).isEmpty)
            #expect(try relay.metric("hubrelay_state{state=\"up\"}") == 1)
            #expect(try relay.metric("hubrelay_state{state=\"down\"}") == 0)
            #expect(try relay.metric("hubrelay_link_up{link=\"publish\"}") == 1)
            #expect(try relay.metric("hubrelay_link_up{link=\"subscribe\"}") == 1)
            redis.stop()
            try client.collect(untilState: .down)
            #expect(try client.publish("c", "x").outcome == .notConnected)
            #expect(try relay.metric("hubrelay_publishes_total{outcome=\"not_connected\"}") == 1)
            #expect(try relay.metric("hubrelay_outages_total") == 1)
            #expect(try causes(relay).count == 1)
            #expect(try relay.metric("hubrelay_gaps_total") == 1)
            #expect(try relay.metric("hubrelay_state{state=\"down\"}") == 1)
            #expect(try relay.metric("hubrelay_link_up{link=\"publish\"}") == 0)
            client.socket.close()
            try eventually("its subscription is not counted any more") {
                try relay.metric("hubrelay_subscriptions") == 2 && relay.metric("hubrelay_connections") == 1
            }
        }
    }
}
