internal import Configuration
internal import Posix
internal import RelayCore
internal import TLS

extension Daemon {
    /// A snapshot of a relay.
    /// - Parameter withStats: whether to include the resources that the process uses, which are expensive to find out.
    func snapshot(of relay: Relay, withStats: Bool) -> RelaySnapshot {
        var snapshot = relay.snapshot()
        snapshot.process = .init(
            pid: processID(), uptime: now - startedAt, loopLag: lag.ofTicks, longestLoopLag: lag.longest,
            logLinesDropped: logOutput.dropped, stats: withStats ? ProcessStats.read() : nil)
        (snapshot.reloads, snapshot.certificateEnds) = (reloads, certificates?.context.ends ?? CertificateEnds())
        return snapshot
    }
}

extension Relay {
    /// The snapshot without the values of the process.
    fileprivate func snapshot() -> RelaySnapshot {
        var snapshot = RelaySnapshot()
        snapshot.relayID = hub.identity.id
        snapshot.prefix = String(decoding: configuration.listener.prefix, as: UTF8.self)
        (snapshot.status, snapshot.outageTime) = (path.status, path.outageTime(now: now))
        snapshot.probe = probeSnapshot
        snapshot.roleUnavailable = nodes.lazy.compactMap(\.machine.role.unavailable).first
        snapshot.links = nodes.flatMap { node in
            [linkSnapshot(node.publishLink, .publish), linkSnapshot(node.subscribeLink, .subscribe)]
        }
        snapshot.sentinels = sentinels.map { sentinels in
            .init(disagree: sentinels.disagree, all: sentinels.links.map { snapshotOf($0, in: sentinels.view) })
        }
        snapshot.cluster = cluster.map(snapshot(of:))
        snapshot.socket = .init(
            path: configuration.listener.socketPath, isReachable: !isStopping && unreachable == nil,
            problem: unreachable)
        (snapshot.connections, snapshot.subscriptions) = (hub.connectionCount, hub.subscriptionCount)
        (snapshot.names, snapshot.bufferedBytes) = (hub.nameCount, hub.outboxes.buffered)
        snapshot.limits = .init(
            connections: hub.limits.maxConnections, subscriptions: hub.limits.maxSubscriptions,
            bufferedBytes: configuration.limits.maxBuffered)
        let limit = nodes.map(\.publishLink.payloadLimit).min { $0.bytes < $1.bytes }
        if let limit, limit.isOfServer { snapshot.payloadLimit = limit }
        snapshot.publishesInFlight = nodes.reduce(0) { $0 + $1.hubNode.publishes.publishesInFlight }
        snapshot.fleetRelays = hub.isFleetHeard && hub.fleet?.problem == nil ? hub.fleet?.relays(now: now) : nil
        (snapshot.counts, snapshot.roundTrips) = (.init(hub.counters), roundTrips)
        return snapshot
    }

    private var probeSnapshot: RelaySnapshot.Probe {
        let probes = nodes.map(\.machine.probe)
        let oldest = probes.compactMap(\.underWaySince).min()
        return .init(
            isEnabled: probes.allSatisfy(\.isEnabled), unavailable: probes.lazy.compactMap(\.unavailable).first,
            roundTrip: probes.compactMap(\.lastRoundTrip).max(),
            underWay: oldest.map { Clock.monotonicNanoseconds() - $0 })
    }

    private func linkSnapshot(_ link: NodeLink, _ purpose: RelaySnapshot.Link.Purpose) -> RelaySnapshot.Link {
        let heartbeat = link.machine.heartbeat
        return .init(
            purpose: purpose, address: link.address, isUp: link.isEstablished,
            tlsVersion: link.isEstablished ? link.tlsVersion : nil,
            certificateEnd: link.isEstablished ? link.serverCertificateEnd : nil, roundTrip: link.lastRoundTrip,
            failure: link.machine.lastFailure,
            shortenedHeartbeat: heartbeat < configuration.timings.heartbeatInterval ? heartbeat : nil,
            fallbacks: link.machine.fallbacks)
    }

    private func snapshotOf(_ link: SentinelLink, in view: SentinelView) -> RelaySnapshot.Sentinel {
        let master = view.master(by: link.index)
        return .init(
            address: "\(link.endpoint)", isConnected: link.isEstablished,
            isOfUse: link.isEstablished && link.complaint == nil,
            master: master.map { ("\(RedisConfiguration.Endpoint($0))", view.epoch(by: link.index) ?? 0) },
            failure: link.failure)
    }

    private func snapshot(of cluster: Cluster) -> RelaySnapshot.Cluster {
        let connected = nodes.flatMap(\.links).filter(\.isEstablished).compactMap { $0.destination?.endpoint }
        let view = cluster.view
        return .init(
            pubsub: cluster.pubsub.rawValue, isTold: cluster.link.isEstablished,
            asked: cluster.link.isEstablished ? cluster.link.destination.map { "\($0.endpoint)" } : nil,
            topology: view.topology.map { (view.epoch, $0.masters.count, view.members.count) },
            failure: cluster.link.failure, connectedMembers: Set(connected).count, slotsAway: slotsAway,
            slots: hub.slots.map { .init(inUse: $0.usedSlots.count, nodes: nodes.map(snapshot(of:))) })
    }

    private func snapshot(of node: RedisNode) -> RelaySnapshot.Node {
        .init(
            address: node.address(of: nil), slots: node.slotCount, publishing: node.machine.publishing,
            receiving: node.machine.receiving, roundTrip: node.machine.probe.lastRoundTrip)
    }
}
