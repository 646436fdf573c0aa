import RelayCore
import Testing

@testable import Posix
@testable import Relay

@Suite("/metrics of a relay, as it is in one state or another")
struct MetricsTextTests {
    /// The values of the samples, by name with labels.
    private func samples(_ snapshot: RelaySnapshot) throws -> [String: String] {
        var samples: [String: String] = [:]
        for line in snapshot.metricsText.split(separator: "\n") where !line.hasPrefix("#") {
            let blank = try #require(line.lastIndex(of: " "))
            let former = samples.updateValue(String(line[line.index(after: blank)...]), forKey: String(line[..<blank]))
            #expect(former == nil, "twice: \(line)")
        }
        return samples
    }

    private func link(_ purpose: RelaySnapshot.Link.Purpose, isUp: Bool) -> RelaySnapshot.Link {
        .init(purpose: purpose, address: "redis://127.0.0.1:6379", isUp: isUp)
    }

    @Test func everySampleHasAFamilyWhoseHelpAndTypeComeOnceBeforeIt() throws {
        var snapshot = RelaySnapshot()
        snapshot.sentinels = .init(all: [.init(address: "10.0.0.1:26379", isConnected: true, isOfUse: true)])
        snapshot.cluster = .init(pubsub: "sharded", isTold: true)
        var begun: Set<Substring> = []
        var family: Substring = ""
        for line in snapshot.metricsText.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            if line.hasPrefix("# HELP ") {
                family = words[2]
                #expect(begun.insert(family).inserted, "twice: \(family)")
            } else if line.hasPrefix("# TYPE ") {
                #expect(words[2] == family)
                #expect(["counter", "gauge", "histogram"].contains(words[3]))
                #expect((words[3] == "counter") == family.hasSuffix("_total"), "\(family)")
            } else {
                #expect(line.hasPrefix(family), "\(line)")
            }
        }
    }

    @Test func reloadsAndCertificates() throws {
        var snapshot = RelaySnapshot()
        snapshot.reloads = ReloadRecord(startedAt: 1500)
        var samples = try samples(snapshot)
        #expect(samples["hubrelay_last_reload_successful"] == "1")
        #expect(samples["hubrelay_last_reload_success_timestamp_seconds"] == "1.5")
        #expect(samples.keys.allSatisfy { !$0.hasPrefix("hubrelay_tls_") })
        snapshot.reloads.asked(passwords: [], certificates: "no", at: 2500)
        snapshot.links = [link(.publish, isUp: true), link(.subscribe, isUp: true)]
        (snapshot.links[0].certificateEnd, snapshot.links[1].certificateEnd) = (2_000_000_001, 2_000_000_000)
        samples = try self.samples(snapshot)
        #expect(samples["hubrelay_last_reload_successful"] == "0")
        #expect(samples["hubrelay_last_reload_success_timestamp_seconds"] == "1.5")
        #expect(samples["hubrelay_tls_not_after_seconds{certificate=\"server\"}"].flatMap(Double.init) == 2_000_000_000)
        #expect(samples["hubrelay_tls_not_after_seconds{certificate=\"own\"}"] == nil)
    }

    @Test func up() throws {
        var snapshot = RelaySnapshot()
        snapshot.status.state = .up
        snapshot.links = [link(.publish, isUp: true), link(.subscribe, isUp: true)]
        (snapshot.connections, snapshot.subscriptions, snapshot.bufferedBytes) = (2, 3, 4)
        snapshot.process.logLinesDropped = 5
        (snapshot.names, snapshot.publishesInFlight) = (6, 7)
        snapshot.limits = .init(connections: 20, subscriptions: 30, bufferedBytes: 40)
        let samples = try samples(snapshot)
        #expect(samples["hubrelay_state{state=\"up\"}"] == "1")
        for state in ["degraded", "down", "stopping"] { #expect(samples["hubrelay_state{state=\"\(state)\"}"] == "0") }
        #expect(samples["hubrelay_link_up{link=\"publish\"}"] == "1")
        #expect(samples["hubrelay_link_up{link=\"subscribe\"}"] == "1")
        #expect(samples["hubrelay_connections"] == "2")
        #expect(samples["hubrelay_subscriptions"] == "3")
        #expect(samples["hubrelay_buffered_bytes"] == "4")
        #expect(samples["hubrelay_log_lines_dropped_total"] == "5")
        #expect(samples["hubrelay_names"] == "6")
        #expect(samples["hubrelay_publishes_in_flight"] == "7")
        #expect(samples["hubrelay_connections_limit"] == "20")
        #expect(samples["hubrelay_subscriptions_limit"] == "30")
        #expect(samples["hubrelay_buffered_limit_bytes"] == "40")
        #expect(samples.filter { $0.key.hasPrefix("hubrelay_state_cause") }.allSatisfy { $0.value == "0" })
        #expect(samples["hubrelay_socket_reachable"] == "1")
        #expect(samples["hubrelay_probe_enabled"] == "1")
        #expect(samples["hubrelay_build_info{version=\"0.2.0\"}"] == "1")
        #expect(samples.keys.allSatisfy { !$0.contains("sentinel") && !$0.contains("cluster") })
        #expect(samples.keys.allSatisfy { !$0.hasPrefix("process_") }, "there is no /proc")
    }

    @Test func down() throws {
        var snapshot = RelaySnapshot()
        snapshot.status.state = .down
        (snapshot.status.outages, snapshot.status.gaps, snapshot.outageTime) = (2, 3, 1_500_000_000)
        // If there are several nodes, one that is missing counts.
        snapshot.links = [
            link(.publish, isUp: true), link(.subscribe, isUp: true), link(.publish, isUp: false),
            link(.subscribe, isUp: true),
        ]
        (snapshot.probe.isEnabled, snapshot.socket.isReachable) = (false, false)
        let samples = try samples(snapshot)
        #expect(samples["hubrelay_state{state=\"down\"}"] == "1")
        #expect(samples["hubrelay_state{state=\"up\"}"] == "0")
        #expect(samples["hubrelay_link_up{link=\"publish\"}"] == "0")
        #expect(samples["hubrelay_link_up{link=\"subscribe\"}"] == "1")
        #expect(samples["hubrelay_outages_total"] == "2")
        #expect(samples["hubrelay_gaps_total"] == "3")
        #expect(samples["hubrelay_outage_seconds_total"] == "1.5")
        #expect(samples["hubrelay_probe_enabled"] == "0")
        #expect(samples["hubrelay_socket_reachable"] == "0")
    }

    /// There is always exactly one cause, and causes of single messages are not causes of a state.
    @Test(arguments: [State.degraded, .down, .stopping]) func notUpHasOneCause(state: State) throws {
        for cause in Cause.ofPath {
            var snapshot = RelaySnapshot()
            (snapshot.status.state, snapshot.status.cause) = (state, cause)
            let causes = try samples(snapshot).filter { $0.key.hasPrefix("hubrelay_state_cause") }
            #expect(causes.count == 12)
            #expect(
                causes.filter { $0.value == "1" }.keys.elementsEqual(["hubrelay_state_cause{cause=\"\(cause.label)\"}"])
            )
        }
    }

    @Test func ticksThatWereLate() throws {
        var snapshot = RelaySnapshot()
        for nanoseconds: UInt64 in [0, 0, 0, 250_000_000] { snapshot.process.loopLag.record(nanoseconds) }
        snapshot.process.longestLoopLag = 250_000_000
        let samples = try samples(snapshot)
        #expect(samples["hubrelay_loop_lag_seconds_bucket{le=\"0.1\"}"] == "3")
        #expect(samples["hubrelay_loop_lag_seconds_bucket{le=\"0.25\"}"] == "4")
        #expect(samples["hubrelay_loop_lag_seconds_count"] == "4")
        #expect(samples["hubrelay_loop_lag_seconds_sum"] == "0.25")
        #expect(samples["hubrelay_loop_lag_longest_seconds"] == "0.25")
    }

    @Test func withoutAnyNodeNoLinkIsUp() throws {
        let samples = try samples(RelaySnapshot())
        #expect(samples["hubrelay_link_up{link=\"publish\"}"] == "0")
        #expect(samples["hubrelay_link_up{link=\"subscribe\"}"] == "0")
    }

    @Test func sentinelsByAddressWhichIsEscaped() throws {
        var snapshot = RelaySnapshot()
        snapshot.sentinels = .init(
            disagree: true,
            all: [
                .init(address: "[::1]:26379", isConnected: true, isOfUse: true),
                .init(address: "a\"b\\c\nd:26379", isConnected: true, isOfUse: false),
            ])
        let samples = try samples(snapshot)
        #expect(samples["hubrelay_sentinel_up{sentinel=\"[::1]:26379\"}"] == "1")
        #expect(samples[#"hubrelay_sentinel_up{sentinel="a\"b\\c\nd:26379"}"#] == "0")
        #expect(samples["hubrelay_sentinels_disagree"] == "1")
    }

    @Test func aClusterWithSlotsAway() throws {
        var snapshot = RelaySnapshot()
        snapshot.cluster = .init(pubsub: "sharded", isTold: false, connectedMembers: 2, slotsAway: 4)
        let samples = try samples(snapshot)
        #expect(samples["hubrelay_cluster_up"] == "0")
        #expect(samples["hubrelay_cluster_nodes"] == "2")
        #expect(samples["hubrelay_cluster_slots_away"] == "4")
    }

    @Test func roundTripsAreCountedUpToEachBound() throws {
        var snapshot = RelaySnapshot()
        for nanoseconds: UInt64 in [100_000, 100_001, 60_000_000_000] { snapshot.roundTrips.record(nanoseconds) }
        let samples = try samples(snapshot)
        #expect(samples["hubrelay_probe_round_trip_seconds_bucket{le=\"0.0001\"}"] == "1")
        #expect(samples["hubrelay_probe_round_trip_seconds_bucket{le=\"0.00025\"}"] == "2")
        #expect(samples["hubrelay_probe_round_trip_seconds_bucket{le=\"5.0\"}"] == "2")
        #expect(samples["hubrelay_probe_round_trip_seconds_bucket{le=\"+Inf\"}"] == "3")
        #expect(samples["hubrelay_probe_round_trip_seconds_count"] == "3")
        #expect(samples["hubrelay_probe_round_trip_seconds_sum"] == "60.000200001")
    }

    @Test func theProcess() throws {
        var snapshot = RelaySnapshot()
        snapshot.process.stats = ProcessStats(
            residentBytes: 1, virtualBytes: 2, cpuSeconds: 3.5, openDescriptors: 4, maxDescriptors: 5,
            startUnixSeconds: 6.25)
        let samples = try samples(snapshot)
        #expect(samples["process_resident_memory_bytes"] == "1")
        #expect(samples["process_virtual_memory_bytes"] == "2")
        #expect(samples["process_cpu_seconds_total"] == "3.5")
        #expect(samples["process_open_fds"] == "4")
        #expect(samples["process_max_fds"] == "5")
        #expect(samples["process_start_time_seconds"] == "6.25")
    }

    /// Here every counter has a value of its own, and each of these values is found once.
    @Test func everyCounterIsThereOnce() throws {
        let counters = Counters()
        var values: [UInt64] = []
        func next() -> UInt64 {
            values.append(UInt64(1_000_000 + values.count))
            return values[values.count - 1]
        }
        // The sum of publishes with an id and without one is shown.
        (counters.publishes[.ok], counters.publishesUnacknowledged) = (next(), 500)
        values[0] += 500
        for outcome in Outcome.ofPublishes where outcome != .ok { counters.publishes[outcome] = next() }
        for cause in Cause.ofRelays where cause != .unspecified { counters.publishesLost[cause] = next() }
        for cause in Cause.ofMessages { counters.messagesLost[cause] = next() }
        for code in ErrorCode.allCases { counters.connectionsClosed[code] = next() }
        (counters.messagesReceived, counters.oddMessages, counters.messagesDelivered) = (next(), next(), next())
        (counters.bytesFromApps, counters.bytesToApps) = (next(), next())
        (counters.bytesFromRedis, counters.bytesToRedis) = (next(), next())
        counters.connectionsAccepted = next()
        for outcome in Outcome.ofSubscribes { counters.subscribes[outcome] = next() }
        for kind in LinkKind.allCases { counters.connectionAttempts[kind] = next() }

        // A new counter has to be set here as well.
        let set = Mirror(reflecting: counters).children.count { "\($0.value)" != "0" }
        #expect(set == Mirror(reflecting: counters).children.count)
        #expect(Mirror(reflecting: counters).children.count == 15)

        var snapshot = RelaySnapshot()
        snapshot.counts = .init(counters)
        (snapshot.sentinels, snapshot.cluster) = (.init(), .init(pubsub: "sharded", isTold: true))
        let shown = try samples(snapshot).values.compactMap(UInt64.init).filter { $0 >= 1_000_000 }
        #expect(shown.sorted() == values.sorted())
    }
}
