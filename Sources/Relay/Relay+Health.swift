internal import AdminHTTP
internal import Configuration
internal import Posix
internal import RelayCore
internal import TextFormats

extension Relay {
    /// `/health`: the truth about the path. 200 only when UP, and while apps can connect; else 503, always with the whole
    /// story.
    func health() -> AdminResponse {
        let status = path.status
        var json = JSONWriter()
        json.object { json in
            json.member("status", status.state.label)
            json.member("version", hubrelayVersion)
            json.member("relay_id", hub.identity.id)
            json.member("uptime_seconds", seconds(now - startedAt))
            json.member("since", Clock.iso8601(unixMilliseconds: status.sinceUnixMilliseconds))
            json.member("reason", status.reason)
            json.member("cause", status.state == .up ? "" : status.cause.label)
            json.member("publishing", status.publishing)
            json.member("receiving", status.receiving)
            json.member("outages", status.outages)
            json.member("outage_seconds", seconds(path.outageTime(now: now)))
            json.member("gaps", status.gaps)
            json.member("probe") { probeHealth(&$0) }
            json.member("role_check") { roleHealth(&$0) }
            json.key("links")
            json.array { json in
                for link in nodes.flatMap(\.links) { json.object { linkHealth(link, &$0) } }
            }
            if let sentinels {
                json.member("sentinels_disagree", sentinels.disagree)
                json.key("sentinels")
                json.array { json in
                    for link in sentinels.links { json.object { sentinelHealth(link, of: sentinels, &$0) } }
                }
            }
            if let cluster { json.member("cluster") { clusterHealth(cluster, &$0) } }
            json.member("socket") { socketHealth(&$0) }
            json.member("connections", UInt64(hub.connectionCount))
            json.member("subscriptions", UInt64(hub.subscriptionCount))
            json.member("names", UInt64(hub.nameCount))
            json.member("buffered_bytes", UInt64(hub.outboxes.buffered))
            json.member("log_lines_dropped", logOutput.dropped)
            if let limit = nodes.map(\.publishLink.payloadLimit).min(by: { $0.bytes < $1.bytes }), limit.isOfServer {
                json.member("payload_limit") { json in
                    json.member("bytes", UInt64(limit.bytes))
                    json.member("setting", limit.setting)
                }
            }
            json.member("publishes") { publishHealth(&$0) }
            json.member("messages") { messageHealth(&$0) }
        }
        let code = status.state == .up && socket?.problem == nil ? 200 : 503
        return AdminResponse(status: code, contentType: "application/json", body: Array((json.text + "\n").utf8))
    }

    private func socketHealth(_ json: inout JSONWriter) {
        json.member("path", configuration.listener.socketPath)
        json.member("reachable", !isStopping && socket?.problem == nil)
        if let problem = socket?.problem { json.member("reason", problem) }
    }

    private func probeHealth(_ json: inout JSONWriter) {
        let probes = nodes.map(\.machine.probe)
        json.member("enabled", probes.allSatisfy(\.isEnabled))
        if let reason = probes.lazy.compactMap(\.unavailable).first { json.member("unavailable", reason) }
        json.member("round_trip_seconds", probes.compactMap(\.lastRoundTrip).max().map(seconds))
        let oldest = probes.compactMap(\.underWaySince).min()
        json.member("under_way_seconds", oldest.map { seconds(Clock.monotonicNanoseconds() - $0) })
    }

    private func roleHealth(_ json: inout JSONWriter) {
        let reason = nodes.lazy.compactMap(\.machine.role.unavailable).first
        json.member("enabled", reason == nil)
        if let reason { json.member("unavailable", reason) }
    }

    private func sentinelHealth(_ link: SentinelLink, of sentinels: Sentinels, _ json: inout JSONWriter) {
        json.member("address", "\(link.endpoint)")
        json.member("up", link.isEstablished)
        if let master = sentinels.view.master(by: link.index) {
            json.member("master", "\(RedisConfiguration.Endpoint(master))")
            json.member("epoch", sentinels.view.epoch(by: link.index) ?? 0)
        }
        if let failure = link.failure {
            json.member("cause", failure.cause.label)
            json.member("reason", failure.reason)
        }
    }

    private func clusterHealth(_ cluster: Cluster, _ json: inout JSONWriter) {
        json.member("pubsub", cluster.pubsub.rawValue)
        if cluster.link.isEstablished, let place = cluster.link.place { json.member("asked", "\(place.endpoint)") }
        if let topology = cluster.view.topology {
            json.member("epoch", cluster.view.epoch)
            json.member("masters", UInt64(topology.masters.count))
            json.member("members", UInt64(cluster.view.members.count))
        }
        if let failure = cluster.link.failure {
            json.member("cause", failure.cause.label)
            json.member("reason", failure.reason)
        }
        guard let slots = hub.slots else { return }
        json.member("slots_in_use", UInt64(slots.usedSlots.count))
        json.member("slots_away", UInt64(slotsAway))
        json.key("nodes")
        json.array { json in
            for node in nodes {
                json.object { json in
                    json.member("address", node.address(of: nil))
                    json.member("slots", UInt64(node.slotCount))
                    json.member("publishing", node.machine.publishing)
                    json.member("receiving", node.machine.receiving)
                    json.member("round_trip_seconds", node.machine.probe.lastRoundTrip.map(seconds))
                }
            }
        }
    }

    private func linkHealth(_ link: NodeLink, _ json: inout JSONWriter) {
        json.member("name", link.name)
        json.member("address", link.address)
        json.member("up", link.isEstablished)
        if link.isEstablished, let version = link.stream?.tlsVersion { json.member("tls", version) }
        json.member("round_trip_seconds", link.lastRoundTrip.map(seconds))
        if let failure = link.machine.lastFailure {
            json.member("cause", failure.cause.label)
            json.member("reason", failure.reason)
        }
        if link.machine.heartbeat < configuration.timings.heartbeatInterval {
            json.member("heartbeat_seconds", seconds(link.machine.heartbeat))
        }
        if !link.machine.fallbacks.isEmpty {
            json.member("refused") { json in
                for fallback in link.machine.fallbacks { json.member(fallback.step.rawValue, fallback.text) }
            }
        }
    }

    private func publishHealth(_ json: inout JSONWriter) {
        let counters = hub.counters
        json.member("ok", counters.publishes[.ok] + counters.publishesUnacknowledged)
        for outcome in Outcome.ofPublishes where outcome != .ok {
            json.member(outcome.label, counters.publishes[outcome])
        }
        json.member("unacknowledged_lost") { json in
            for cause in Cause.ofRelays where counters.publishesLost[cause] > 0 {
                json.member(cause.label, counters.publishesLost[cause])
            }
        }
        json.member("in_flight", UInt64(nodes.reduce(0) { $0 + $1.feed.publishes.publishesInFlight }))
    }

    private func messageHealth(_ json: inout JSONWriter) {
        let counters = hub.counters
        json.member("received", counters.messagesReceived)
        json.member("skipped", counters.oddMessages)
        json.member("delivered", counters.messagesDelivered)
        json.member("lost") { json in
            for cause in Cause.ofRelays where counters.messagesLost[cause] > 0 {
                json.member(cause.label, counters.messagesLost[cause])
            }
        }
    }

    func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1_000_000_000 }
}

extension Outcome {
    /// The outcomes that a publish can have.
    static let ofPublishes: [Outcome] = [.ok, .notConnected, .interrupted, .refused, .invalid]
}
