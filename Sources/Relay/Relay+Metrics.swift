internal import Configuration
internal import Posix
internal import RelayCore
internal import TextFormats

extension Relay {
    /// `/metrics` in the Prometheus text format. The names are an interface; no label has values that an app chooses.
    func metrics() -> String {
        var text = PrometheusText()
        writePath(&text)
        writeTraffic(&text)
        writeUsage(&text)
        writeProcess(&text)
        return text.text
    }

    private func writePath(_ text: inout PrometheusText) {
        text.family("hubrelay_state", .gauge, "1 for the state that the relay is in, 0 for the others.")
        for state in [State.up, .degraded, .down, .stopping] {
            text.sample("hubrelay_state", [("state", state.label)], UInt64(path.status.state == state ? 1 : 0))
        }
        text.family("hubrelay_link_up", .gauge, "Whether a link to Redis is connected, authenticated and answers.")
        let isPublishLinkUp = !nodes.isEmpty && nodes.allSatisfy { $0.publishLink.isEstablished }
        let isSubscribeLinkUp = !nodes.isEmpty && nodes.allSatisfy { $0.subscribeLink.isEstablished }
        text.sample("hubrelay_link_up", [("link", "publish")], UInt64(isPublishLinkUp ? 1 : 0))
        text.sample("hubrelay_link_up", [("link", "subscribe")], UInt64(isSubscribeLinkUp ? 1 : 0))
        if let sentinels {
            text.family("hubrelay_sentinel_up", .gauge, "Whether a sentinel is connected and answers.")
            for link in sentinels.links {
                let isUp = link.isEstablished && link.complaint == nil
                text.sample("hubrelay_sentinel_up", [("sentinel", "\(link.endpoint)")], UInt64(isUp ? 1 : 0))
            }
            text.metric(
                "hubrelay_sentinels_disagree", .gauge,
                "1 while sentinels name different masters with the same epoch.", UInt64(sentinels.disagree ? 1 : 0))
        }
        if let cluster {
            text.metric(
                "hubrelay_cluster_up", .gauge, "Whether a member of the cluster answers who has which slots.",
                UInt64(cluster.link.isEstablished ? 1 : 0))
            text.metric(
                "hubrelay_cluster_nodes", .gauge, "Members of the cluster at which links for messages are up.",
                UInt64(Set(nodes.flatMap(\.links).filter(\.isEstablished).compactMap { $0.place?.endpoint }).count))
            text.metric(
                "hubrelay_cluster_slots_away", .gauge,
                "Hash slots in use that cannot be published to, or are not heard.", UInt64(slotsAway))
        }
        text.metric("hubrelay_outages_total", .counter, "Departures from UP.", path.status.outages)
        text.metric(
            "hubrelay_outage_seconds_total", .counter, "Time not UP since the relay was first UP.",
            seconds(path.outageTime(now: now)))
        text.metric("hubrelay_gaps_total", .counter, "Breaks in receiving.", path.status.gaps)
        let isProbed = nodes.allSatisfy(\.machine.probe.isEnabled)
        text.metric(
            "hubrelay_probe_enabled", .gauge, "1 while UP is proven by probes; 0 when they are off or denied.",
            UInt64(isProbed ? 1 : 0))
        text.histogram(
            "hubrelay_probe_round_trip_seconds", "From publishing a probe to hearing it.",
            buckets: zip(Histogram.bounds, roundTrips.counts).map { (seconds($0), $1) },
            overflow: roundTrips.counts[Histogram.bounds.count], sum: seconds(roundTrips.sum))
        text.metric(
            "hubrelay_loop_lag_seconds", .gauge, "How late the event loop's last tick was.", seconds(loopLag))
    }

    private func writeTraffic(_ text: inout PrometheusText) {
        let counters = hub.counters
        text.family("hubrelay_publishes_total", .counter, "Publishes, by outcome.")
        for outcome in Outcome.ofPublishes {
            let more = outcome == .ok ? counters.publishesUnacknowledged : 0
            text.sample("hubrelay_publishes_total", [("outcome", outcome.label)], counters.publishes[outcome] + more)
        }
        text.family(
            "hubrelay_publishes_lost_total", .counter,
            "Publishes without an id that were not taken, or may not have been.")
        for cause in Cause.ofRelays where cause != .unspecified {
            text.sample("hubrelay_publishes_lost_total", [("cause", cause.label)], counters.publishesLost[cause])
        }
        text.metric(
            "hubrelay_messages_received_total", .counter, "Messages from Redis that somebody here subscribes to.",
            counters.messagesReceived)
        text.metric(
            "hubrelay_messages_skipped_total", .counter,
            "Messages from Redis without a text, as CLIENT TRACKING with REDIRECT makes them: skipped.",
            counters.oddMessages)
        text.metric(
            "hubrelay_messages_delivered_total", .counter, "Messages handed to connections.",
            counters.messagesDelivered)
        text.family("hubrelay_messages_lost_total", .counter, "Messages that a connection did not get.")
        for cause in [Cause.slowReader, .tooLarge, .badName] {
            text.sample("hubrelay_messages_lost_total", [("cause", cause.label)], counters.messagesLost[cause])
        }
        writeBytes(&text)
    }

    private func writeBytes(_ text: inout PrometheusText) {
        let counters = hub.counters
        text.family("hubrelay_received_bytes_total", .counter, "Bytes read, by side.")
        text.sample("hubrelay_received_bytes_total", [("side", "app")], counters.bytesFromApps)
        text.sample("hubrelay_received_bytes_total", [("side", "redis")], counters.bytesFromRedis)
        text.family("hubrelay_sent_bytes_total", .counter, "Bytes written, by side.")
        text.sample("hubrelay_sent_bytes_total", [("side", "app")], counters.bytesToApps)
        text.sample("hubrelay_sent_bytes_total", [("side", "redis")], counters.bytesToRedis)
    }

    private func writeUsage(_ text: inout PrometheusText) {
        text.metric(
            "hubrelay_socket_reachable", .gauge,
            "1 while the path of the socket leads to this relay; 0 while no app can connect.",
            UInt64(!isStopping && socket?.problem == nil ? 1 : 0))
        text.metric("hubrelay_connections", .gauge, "Open connections of apps.", UInt64(hub.connectionCount))
        text.family("hubrelay_connections_closed_total", .counter, "Connections closed with an Error, by its code.")
        for code in ErrorCode.allCases {
            text.sample(
                "hubrelay_connections_closed_total", [("code", code.label)], hub.counters.connectionsClosed[code])
        }
        text.metric(
            "hubrelay_subscriptions", .gauge, "Pairs of a connection and a channel or pattern.",
            UInt64(hub.subscriptionCount))
        text.metric(
            "hubrelay_buffered_bytes", .gauge, "Bytes that wait for slow readers.", UInt64(hub.outboxes.buffered))
        text.metric(
            "hubrelay_log_lines_dropped_total", .counter, "Log lines that whoever reads the log did not take.",
            logOutput.dropped)
        text.family("hubrelay_build_info", .gauge, "1; the version is in the label.")
        text.sample("hubrelay_build_info", [("version", hubrelayVersion)], UInt64(1))
    }

    private func writeProcess(_ text: inout PrometheusText) {
        guard let process = ProcessStats.read() else { return }
        text.metric("process_cpu_seconds_total", .counter, "User and system CPU time.", process.cpuSeconds)
        text.metric("process_resident_memory_bytes", .gauge, "Resident memory.", process.residentBytes)
        text.metric("process_virtual_memory_bytes", .gauge, "Virtual memory.", process.virtualBytes)
        text.metric("process_open_fds", .gauge, "Open descriptors.", UInt64(process.openDescriptors))
        text.metric("process_max_fds", .gauge, "The limit on open descriptors.", UInt64(process.maxDescriptors))
        text.metric(
            "process_start_time_seconds", .gauge, "When the process started, since 1970.",
            process.startUnixSeconds)
    }
}
