/// When the relay announces itself to the other relays of its prefix, and how it handles the result.
extension Upstream {
    /// Announces the relay if this is due. Called by `tick`.
    func announceIfDue() {
        guard let fleet = hub.fleet, !isStopping, !isEnded else { return }
        if hub.isFleetHeard { fleet.subscribeDenial = nil }
        fleet.isHearing(hub.isFleetHeard, now: now)
        logProblem(of: fleet)
        let node = hub.fleetNode
        guard fleet.isDue(path.status, isAble: node != nil, now: now, using: &random), let node else { return }
        announce(fleet, to: node)
        // An access list may have been corrected.
        if fleet.subscribeDenial != nil { hub.askForFleetAgain() }
    }

    /// The relay has begun to stop, and announces this so that the others need not wait until it is silent. If too many
    /// relays announce themselves at the moment, it does not, and the others find it out by themselves.
    func announceLeaving() {
        guard let fleet = hub.fleet, let node = hub.fleetNode, !fleet.isCrowded(now: now) else { return }
        announce(fleet, to: node)
        leaving = (node.publishes, node.publishes.end, since: now)
    }

    /// Whether the announcement that the relay stops may still be on its way to Redis. If a connection is closed before
    /// its answers have been read, what was written on it may be lost.
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

    /// Asks again for what was denied.
    func reconsiderFleet() {
        guard let fleet = hub.fleet, fleet.problem != nil else { return }
        hub.askForFleetAgain()
        fleet.notAnnounced(now: now, using: &random)
    }

    /// Redis has answered an announcement.
    /// - Parameters:
    ///   - error: the error; nil if Redis has taken the announcement.
    ///   - isMisplaced: whether the node has refused it because it does not have the slot.
    func announcementAnswered(_ error: String?, isMisplaced: Bool = false, by node: RedisNode) {
        guard let fleet = hub.fleet else { return }
        guard let error else { return fleet.publishDenial = nil }
        if LinkFailure.isDenial(error) { return fleet.publishDenial = node.publishLink.shown(error) }
        // Any other error is temporary, and the node finds out what it means for apps.
        fleet.notAnnounced(now: now, using: &random)
        if isMisplaced { node.publishMisplaced(error) }
    }

    /// The listing of the fleet's relays; nil without a fleet.
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

/// The order in which relays are listed: hosts and versions ascend, states that need attention come first, and the
/// largest numbers come first.
package enum FleetOrder: String, Sendable, CaseIterable {
    case host, state, version, clients
    case roundTrip = "round_trip"

    /// Relays that are otherwise equal are in the order of their hosts, and on one host in the order of their sockets.
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

/// What is listed about one relay of the fleet.
package struct FleetFacts: Sendable {
    package var announcement: Announcement
    /// Nanoseconds since the relay was last heard.
    package var heardAge: UInt64
    /// Whether three of its announcements in a row are missing.
    package var isSilent: Bool
    /// Whether it is the relay that gives the answer.
    package var isSelf: Bool

    /// How much the relay needs attention; higher needs more.
    package var urgency: Int { isSilent ? 5 : Int(announcement.state.rawValue) }
}
