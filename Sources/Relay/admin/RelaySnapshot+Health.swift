internal import Configuration
internal import Posix
internal import RelayCore
internal import TextFormats

/// `/health`: reports the state of the path, whatever it is, with all details.
extension RelaySnapshot {
    /// Whether the status code is 200: only if the relay is UP and apps can connect.
    var isHealthy: Bool { status.state == .up && socket.problem == nil }

    /// The body, in JSON. Its names are an interface.
    var healthText: String {
        var json = JSONWriter()
        json.object { json in
            json.member("status", status.state.label)
            json.member("version", hubrelayVersion)
            json.member("relay_id", relayID)
            json.member("pid", Int(process.pid))
            json.member("prefix", prefix)
            json.member("uptime_seconds", seconds(process.uptime))
            json.member("since", Clock.iso8601(unixMilliseconds: status.sinceUnixMilliseconds))
            json.member("reason", status.reason)
            json.member("cause", status.state == .up ? "" : status.cause.label)
            if status.state != .up { json.member("advice", status.cause.advice) }
            json.member("publishing", status.publishing)
            json.member("receiving", status.receiving)
            json.member("outages", status.outages)
            json.member("outage_seconds", seconds(outageTime))
            json.member("gaps", status.gaps)
            json.member("probe", object: probe.write)
            json.member("role_check") { json in
                json.member("enabled", roleUnavailable == nil)
                if let roleUnavailable { json.member("unavailable", roleUnavailable) }
            }
            json.objects("links", links) { $0.write(to: &$1) }
            if let sentinels {
                json.member("sentinels_disagree", sentinels.disagree)
                json.objects("sentinels", sentinels.all) { $0.write(to: &$1) }
            }
            if let cluster { json.member("cluster", object: cluster.write) }
            json.member("socket", object: socket.write)
            json.member("reload", object: reloads.write)
            json.member("connections", connections)
            json.member("subscriptions", subscriptions)
            json.member("names", names)
            json.member("buffered_bytes", bufferedBytes)
            json.member("log_lines_dropped", process.logLinesDropped)
            if let payloadLimit {
                json.member("payload_limit") { json in
                    json.member("bytes", payloadLimit.bytes)
                    json.member("setting", payloadLimit.setting)
                }
            }
            json.member("publishes", object: writePublishes)
            json.member("messages", object: writeMessages)
        }
        return json.text + "\n"
    }

    private func writePublishes(to json: inout JSONWriter) {
        for outcome in Outcome.ofPublishes { json.member(outcome.label, counts.publishes(outcome)) }
        json.member("unacknowledged_lost") { $0.causes(counts.publishesLost) }
        json.member("in_flight", publishesInFlight)
    }

    private func writeMessages(to json: inout JSONWriter) {
        json.member("received", counts.messagesReceived)
        json.member("skipped", counts.oddMessages)
        json.member("delivered", counts.messagesDelivered)
        json.member("lost") { $0.causes(counts.messagesLost) }
    }
}

extension RelaySnapshot.Probe {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("enabled", isEnabled)
        if let unavailable { json.member("unavailable", unavailable) }
        json.member("round_trip_seconds", roundTrip.map(seconds))
        json.member("under_way_seconds", underWay.map(seconds))
    }
}

extension RelaySnapshot.Link {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("name", purpose.rawValue)
        json.member("address", address)
        json.member("up", isUp)
        if let tlsVersion { json.member("tls", tlsVersion) }
        json.member("round_trip_seconds", roundTrip.map(seconds))
        json.failure(failure)
        if let shortenedHeartbeat { json.member("heartbeat_seconds", seconds(shortenedHeartbeat)) }
        guard !fallbacks.isEmpty else { return }
        json.member("refused") { json in
            for fallback in fallbacks { json.member(fallback.step.rawValue, fallback.text) }
        }
    }
}

extension RelaySnapshot.Sentinel {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("address", address)
        json.member("up", isConnected)
        if let master {
            json.member("master", master.address)
            json.member("epoch", master.epoch)
        }
        json.failure(failure)
    }
}

extension RelaySnapshot.Cluster {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("pubsub", pubsub)
        if let asked { json.member("asked", asked) }
        if let topology {
            json.member("epoch", topology.epoch)
            json.member("masters", topology.masters)
            json.member("members", topology.members)
        }
        json.failure(failure)
        guard let slots else { return }
        json.member("slots_in_use", slots.inUse)
        json.member("slots_away", slotsAway)
        json.objects("nodes", slots.nodes) { node, json in
            json.member("address", node.address)
            json.member("slots", node.slots)
            json.member("publishing", node.publishing)
            json.member("receiving", node.receiving)
            json.member("round_trip_seconds", node.roundTrip.map(seconds))
        }
    }
}

extension ReloadRecord {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("count", count)
        json.member("successful", isSuccessful)
        json.member("succeeded", Clock.iso8601(unixMilliseconds: succeededAt))
        if !isSuccessful { json.member("problems", problems) }
    }
}

extension RelaySnapshot.Socket {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("path", path)
        json.member("reachable", isReachable)
        if let problem { json.member("reason", problem) }
    }
}

extension JSONWriter {
    fileprivate mutating func objects<Item>(
        _ key: String, _ items: [Item], _ write: (Item, inout JSONWriter) -> Void
    ) {
        self.key(key)
        array { json in
            for item in items { json.object { write(item, &$0) } }
        }
    }

    /// Writes the cause and the reason of a failure, if there is one.
    fileprivate mutating func failure(_ failure: LinkFailure?) {
        guard let failure else { return }
        member("cause", failure.cause.label)
        member("reason", failure.reason)
    }

    /// Writes counts by cause, without those that are 0.
    fileprivate mutating func causes(_ counts: Counters.Table<Cause>) {
        for cause in Cause.ofRelays where counts[cause] > 0 { member(cause.label, counts[cause]) }
    }
}
