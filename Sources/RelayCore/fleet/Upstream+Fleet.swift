/// When the relay announces itself to the others of its prefix, and what becomes of that.
extension Upstream {
    /// Called by `tick`.
    func announceIfDue() {
        guard let fleet = hub.fleet, !isStopping, !isEnded else { return }
        if hub.isFleetHeard { fleet.subscribeDenial = nil }
        fleet.isHearing(hub.isFleetHeard, now: now)
        logProblem(of: fleet)
        let node = hub.fleetNode
        guard fleet.isDue(path.status, isAble: node != nil, now: now, using: &random), let node else { return }
        announce(fleet, to: node)
        // An access list may have been mended.
        if fleet.subscribeDenial != nil { hub.askForFleetAgain() }
    }

    /// The relay has begun to stop: the others need not wait for it to fall silent. Where many stop at the same time, they
    /// find out by themselves.
    func announceLeaving() {
        guard let fleet = hub.fleet, let node = hub.fleetNode, !fleet.isCrowded(now: now) else { return }
        announce(fleet, to: node)
        leaving = (node.publishes, node.publishes.end, since: now)
    }

    /// Whether Redis may still take the announcement that the relay stops. A connection that is closed before its answers have
    /// been read may take with it what was written.
    var isLeavingUnderWay: Bool {
        guard let leaving, !leaving.publishes.isAnswered(upTo: leaving.end) else { return false }
        return now < leaving.since + 1_000_000_000
    }

    private func logProblem(of fleet: Fleet) {
        guard fleet.isProblemLogged != (fleet.problem != nil) else { return }
        fleet.isProblemLogged = fleet.problem != nil
        if let problem = fleet.problem {
            log(.warning, "Redis refuses the channel on which relays announce themselves", ["reply": problem])
        } else {
            log(
                .notice, "Redis grants what it refused before",
                ["what": "the channel on which relays announce themselves"])
        }
    }

    private func announce(_ fleet: Fleet, to node: HubNode) {
        fleet.announces(now: now, using: &random)
        let bytes = announcement(of: fleet).bytes
        if !hub.publish(bytes, on: fleetChannel, as: .announcement, to: node) {
            fleet.notAnnounced(now: now, using: &random)
        }
    }

    private func announcement(of fleet: Fleet) -> Announcement {
        fleet.announcement(
            path.status, roundTrip: nodes.compactMap(\.machine.probe.lastRoundTrip).max(),
            connections: hub.connectionCount, now: now)
    }

    /// What was denied is asked for again.
    func reconsiderFleet() {
        guard let fleet = hub.fleet, fleet.problem != nil else { return }
        hub.askForFleetAgain()
        fleet.notAnnounced(now: now, using: &random)
    }

    /// Redis has answered an announcement.
    /// - Parameters:
    ///   - error: nil: it has taken it.
    ///   - isMisplaced: the node has not, since it does not have the slot.
    func announcementAnswered(_ error: String?, isMisplaced: Bool = false, by node: RedisNode) {
        guard let fleet = hub.fleet else { return }
        guard let error else { return fleet.publishDenial = nil }
        if LinkFailure.isDenial(error) { return fleet.publishDenial = node.publishLink.shown(error) }
        // Anything else is of the moment, and the node finds out what it means for apps.
        fleet.notAnnounced(now: now, using: &random)
        if isMisplaced { node.publishMisplaced(error) }
    }

    /// What is listed of the fleet.
    package func fleetListing(by order: FleetOrder, limit: Int, after: Int = 0) -> Listing<FleetFacts>? {
        guard let fleet = hub.fleet else { return nil }
        // The relay itself is at the first place.
        let used = fleet.members.count + 1
        let places = Listing<FleetFacts>.places(after: after, used: used)
        var leading = Leading<FleetFacts>(limit: limit, by: order.precedes)
        for place in places { leading.offer(place == 0 ? ownFacts(fleet) : facts(fleet.members[place - 1], of: fleet)) }
        return Listing(
            total: fleet.relays(now: now), lookedAt: places.count,
            next: places.upperBound < used ? places.upperBound : nil, items: leading.inOrder)
    }

    private func ownFacts(_ fleet: Fleet) -> FleetFacts {
        FleetFacts(announcement: announcement(of: fleet), heardAge: 0, isSilent: false, isSelf: true)
    }

    private func facts(_ member: Fleet.Member, of fleet: Fleet) -> FleetFacts {
        FleetFacts(
            announcement: member.announcement, heardAge: now - min(now, member.heardAt),
            isSilent: fleet.isSilent(member, now: now), isSelf: false)
    }
}

/// In which order relays are listed: hosts ascend, what needs a look comes first, and what there is most of.
package enum FleetOrder: String, Sendable, CaseIterable {
    case host, state, version, clients
    case roundTrip = "round_trip"

    /// What is equal otherwise is in the order of the hosts, and on a host in that of the sockets.
    func precedes(_ one: FleetFacts, _ other: FleetFacts) -> Bool {
        let (first, second) = (one.announcement, other.announcement)
        switch self {
        case .host: break
        case .state: if one.urgency != other.urgency { return one.urgency > other.urgency }
        case .version: if first.version != second.version { return first.version < second.version }
        case .clients: if first.connections != second.connections { return first.connections > second.connections }
        case .roundTrip:
            if first.roundTripMicroseconds != second.roundTripMicroseconds {
                return first.roundTripMicroseconds > second.roundTripMicroseconds
            }
        }
        return (first.host, first.socket, first.relayID) < (second.host, second.socket, second.relayID)
    }
}

/// What is told of one relay of the fleet.
package struct FleetFacts: Sendable {
    package var announcement: Announcement
    /// Nanoseconds since it was heard.
    package var heardAge: UInt64
    /// Three of its announcements in a row are missing.
    package var isSilent: Bool
    /// It is the relay that was asked.
    package var isSelf: Bool

    /// How much it needs a look.
    package var urgency: Int { isSilent ? 5 : Int(announcement.state.rawValue) }
}
