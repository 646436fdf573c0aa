internal import Configuration
internal import Posix
internal import RelayCore
internal import TLS
internal import TextFormats

/// `/metrics` in the Prometheus text format. The names are an interface; no label has values that an app chooses.
extension RelaySnapshot {
    /// The body.
    var metricsText: String {
        var text = PrometheusText()
        writePath(to: &text)
        writeTraffic(to: &text)
        writeUsage(to: &text)
        if let stats = process.stats { text.write(stats) }
        return text.text
    }

    private func writePath(to text: inout PrometheusText) {
        text.family("hubrelay_state", .gauge, "1 for the state that the relay is in, 0 for the others.")
        for state in [State.up, .degraded, .down, .stopping] {
            text.sample("hubrelay_state", [("state", state.label)], status.state == state)
        }
        text.family(
            "hubrelay_state_cause", .gauge, "1 for the reason why the relay is not UP, 0 for the others.")
        for cause in Cause.ofPath {
            let isTheCause = status.state != .up && status.cause == cause
            text.sample("hubrelay_state_cause", [("cause", cause.label)], isTheCause)
        }
        text.family("hubrelay_link_up", .gauge, "Whether a link to Redis is connected, authenticated and answers.")
        for purpose in [Link.Purpose.publish, .subscribe] {
            let links = links.filter { $0.purpose == purpose }
            text.sample(
                "hubrelay_link_up", [("link", purpose.rawValue)], !links.isEmpty && links.allSatisfy(\.isUp))
        }
        text.family(
            "hubrelay_redis_connection_attempts_total", .counter, "Attempts to connect, one for each address.")
        for kind in LinkKind.allCases
        where (kind != .sentinel || sentinels != nil) && (kind != .cluster || cluster != nil) {
            text.sample(
                "hubrelay_redis_connection_attempts_total", [("link", kind.label)], counts.connectionAttempts[kind])
        }
        if let sentinels { sentinels.write(to: &text) }
        if let cluster { cluster.write(to: &text) }
        text.metric("hubrelay_outages_total", .counter, "Times that the relay stopped being UP.", status.outages)
        text.metric(
            "hubrelay_outage_seconds_total", .counter, "Time not UP since the relay was first UP.",
            seconds(outageTime))
        text.metric("hubrelay_gaps_total", .counter, "Breaks in receiving.", status.gaps)
        text.metric(
            "hubrelay_probe_enabled", .gauge, "1 while UP is proven by probes; 0 when they are off or denied.",
            probe.isEnabled)
        if let fleetRelays {
            text.metric(
                "hubrelay_fleet_relays", .gauge,
                "Relays with the same prefix that this one hears, including itself; absent while it cannot hear them.",
                UInt64(fleetRelays))
        }
        text.write(
            roundTrips, as: "hubrelay_probe_round_trip_seconds", "From publishing a probe to hearing it.")
        text.write(process.loopLag, as: "hubrelay_loop_lag_seconds", "How late the event loop's ticks were.")
        text.metric(
            "hubrelay_loop_lag_longest_seconds", .gauge, "The longest lag of the last one to two minutes.",
            seconds(process.longestLoopLag))
    }

    /// Writes the end of each certificate that exists: there are none without TLS.
    private func writeCertificateEnds(to text: inout PrometheusText) {
        let ends = [
            ("own", certificateEnds.own), ("ca", certificateEnds.authority),
            ("server", links.compactMap(\.certificateEnd).min()),
        ]
        guard ends.contains(where: { $0.1 != nil }) else { return }
        text.family(
            "hubrelay_tls_not_after_seconds", .gauge,
            "When a certificate expires, since 1970: the relay's own, the CA file's last, the servers' first.")
        for case (let name, let end?) in ends {
            text.sample("hubrelay_tls_not_after_seconds", [("certificate", name)], Double(end))
        }
    }

    private func writeTraffic(to text: inout PrometheusText) {
        text.family("hubrelay_publishes_total", .counter, "Publishes, by outcome.")
        for outcome in Outcome.ofPublishes {
            text.sample("hubrelay_publishes_total", [("outcome", outcome.label)], counts.publishes(outcome))
        }
        text.family(
            "hubrelay_publishes_lost_total", .counter,
            "Publishes without an id that were refused or not sent, or whose outcome is unknown.")
        for cause in Cause.ofRelays where cause != .unspecified {
            text.sample("hubrelay_publishes_lost_total", [("cause", cause.label)], counts.publishesLost[cause])
        }
        text.metric(
            "hubrelay_publishes_in_flight", .gauge, "Publishes that Redis has not answered.",
            UInt64(publishesInFlight))
        text.family("hubrelay_subscribes_total", .counter, "Subscribe requests, by outcome.")
        for outcome in Outcome.ofSubscribes {
            text.sample("hubrelay_subscribes_total", [("outcome", outcome.label)], counts.subscribes[outcome])
        }
        text.metric(
            "hubrelay_messages_received_total", .counter, "Messages from Redis that have a subscriber here.",
            counts.messagesReceived)
        text.metric(
            "hubrelay_messages_skipped_total", .counter,
            "Messages from Redis without a payload, which are skipped; CLIENT TRACKING with REDIRECT makes them.",
            counts.oddMessages)
        text.metric(
            "hubrelay_messages_delivered_total", .counter, "Messages handed to connections.", counts.messagesDelivered)
        text.family("hubrelay_messages_lost_total", .counter, "Messages that a connection did not get.")
        for cause in Cause.ofMessages {
            text.sample("hubrelay_messages_lost_total", [("cause", cause.label)], counts.messagesLost[cause])
        }
        text.family("hubrelay_received_bytes_total", .counter, "Bytes read, by side.")
        text.sample("hubrelay_received_bytes_total", [("side", "app")], counts.bytesFromApps)
        text.sample("hubrelay_received_bytes_total", [("side", "redis")], counts.bytesFromRedis)
        text.family("hubrelay_sent_bytes_total", .counter, "Bytes written, by side.")
        text.sample("hubrelay_sent_bytes_total", [("side", "app")], counts.bytesToApps)
        text.sample("hubrelay_sent_bytes_total", [("side", "redis")], counts.bytesToRedis)
    }

    private func writeUsage(to text: inout PrometheusText) {
        text.metric(
            "hubrelay_socket_reachable", .gauge,
            "1 while the path of the socket leads to this relay; 0 while no app can connect.", socket.isReachable)
        text.metric("hubrelay_connections", .gauge, "Open connections of apps.", UInt64(connections))
        text.metric(
            "hubrelay_connections_limit", .gauge, "The most connections, as far as descriptors suffice.",
            UInt64(limits.connections))
        text.metric(
            "hubrelay_connections_accepted_total", .counter,
            "Connections of apps that were accepted and not refused.",
            counts.connectionsAccepted)
        text.family("hubrelay_connections_closed_total", .counter, "Connections closed with an Error, by its code.")
        for code in ErrorCode.allCases {
            text.sample("hubrelay_connections_closed_total", [("code", code.label)], counts.connectionsClosed[code])
        }
        text.metric(
            "hubrelay_subscriptions", .gauge, "Pairs of a connection and a channel or pattern.", UInt64(subscriptions))
        text.metric(
            "hubrelay_subscriptions_limit", .gauge, "Limit of subscriptions.", UInt64(limits.subscriptions))
        text.metric("hubrelay_names", .gauge, "Distinct channels and patterns that are held.", UInt64(names))
        text.metric("hubrelay_buffered_bytes", .gauge, "Bytes that wait for slow readers.", UInt64(bufferedBytes))
        text.metric(
            "hubrelay_buffered_limit_bytes", .gauge, "Limit of buffered bytes.", UInt64(limits.bufferedBytes))
        text.metric(
            "hubrelay_log_lines_dropped_total", .counter, "Log lines dropped because their reader did not keep up.",
            process.logLinesDropped)
        text.metric(
            "hubrelay_last_reload_successful", .gauge,
            "1 if all passwords and certificates could be read the last time.", reloads.isSuccessful)
        text.metric(
            "hubrelay_last_reload_success_timestamp_seconds", .gauge, "When all could last be read, since 1970.",
            Double(reloads.succeededAt) / 1000)
        writeCertificateEnds(to: &text)
        text.family("hubrelay_build_info", .gauge, "1; the version is in the label.")
        text.sample("hubrelay_build_info", [("version", hubrelayVersion)], UInt64(1))
    }
}

extension RelaySnapshot.Sentinels {
    fileprivate func write(to text: inout PrometheusText) {
        text.family("hubrelay_sentinel_up", .gauge, "Whether a sentinel is connected and answers.")
        for sentinel in all {
            text.sample("hubrelay_sentinel_up", [("sentinel", sentinel.address)], sentinel.isOfUse)
        }
        text.metric(
            "hubrelay_sentinels_disagree", .gauge, "1 while sentinels name different masters with the same epoch.",
            disagree)
    }
}

extension RelaySnapshot.Cluster {
    fileprivate func write(to text: inout PrometheusText) {
        text.metric(
            "hubrelay_cluster_up", .gauge, "Whether a member of the cluster reports the slots of its nodes.", isTold)
        text.metric(
            "hubrelay_cluster_nodes", .gauge, "Members of the cluster at which links for messages are up.",
            UInt64(connectedMembers))
        text.metric(
            "hubrelay_cluster_slots_away", .gauge,
            "Hash slots in use that cannot be published to or received from.", UInt64(slotsAway))
    }
}

extension PrometheusText {
    fileprivate mutating func sample(_ name: String, _ labels: [(String, String)], _ isTrue: Bool) {
        sample(name, labels, UInt64(isTrue ? 1 : 0))
    }

    fileprivate mutating func metric(_ name: String, _ kind: Kind, _ help: String, _ isTrue: Bool) {
        metric(name, kind, help, UInt64(isTrue ? 1 : 0))
    }

    fileprivate mutating func write(_ durations: Histogram, as name: String, _ help: String) {
        histogram(
            name, help, buckets: zip(Histogram.bounds, durations.counts).map { (seconds($0), $1) },
            overflow: durations.counts[Histogram.bounds.count], sum: seconds(durations.sum))
    }

    fileprivate mutating func write(_ stats: ProcessStats) {
        metric("process_cpu_seconds_total", .counter, "User and system CPU time.", stats.cpuSeconds)
        metric("process_resident_memory_bytes", .gauge, "Resident memory.", stats.residentBytes)
        metric("process_virtual_memory_bytes", .gauge, "Virtual memory.", stats.virtualBytes)
        metric("process_open_fds", .gauge, "Open descriptors.", UInt64(stats.openDescriptors))
        metric("process_max_fds", .gauge, "The limit on open descriptors.", UInt64(stats.maxDescriptors))
        metric(
            "process_start_time_seconds", .gauge, "When the process started, since 1970.", stats.startUnixSeconds)
    }
}
