internal import AdminHTTP
internal import Configuration
internal import Posix
internal import RelayCore
internal import TextFormats

/// `/connections`, `/channels` and `/fleet`: lists of single clients, channels and relays, whose names may be secrets.
/// The names of the JSON fields are an interface.
extension Daemon {
    /// The answer to a request for one of the listings.
    func listing(_ request: AdminRequest, of relay: Relay) -> AdminResponse {
        guard configuration.httpDetails.areTold(at: configuration.http) else {
            let name = "\(Setting.httpDetails.flag) or \(Setting.httpDetails.environmentName)"
            let reason =
                configuration.httpDetails == .nowhere
                ? "403: single clients, channels and relays are not shown here: \(Setting.httpDetails.flag) nowhere\n"
                : "403: single clients, channels and relays are shown on a Unix socket and on loopback only, and HTTP listens at "
                    + "\(configuration.http); \(name) with \"anywhere\" shows them there, too\n"
            return AdminResponse(status: 403, body: Array(reason.utf8))
        }
        do throws(InvalidQuery) {
            let text: String
            switch request.path {
            case "/connections": text = relay.connectionsText(try ListQuery(request.query, orElse: .id))
            case "/channels": text = relay.channelsText(try ListQuery(request.query, orElse: .name))
            default:
                let query = try ListQuery<FleetOrder>(request.query, orElse: .host)
                guard let fleet = relay.fleetText(query) else { return AdminResponse(status: 404, body: Self.noFleet) }
                text = fleet
            }
            return AdminResponse(status: 200, contentType: "application/json", body: Array(text.utf8))
        } catch {
            return AdminResponse(status: 400, body: Array("400: \(error.reason)\n".utf8))
        }
    }

    private static var noFleet: [UInt8] {
        Array("404: the relay does not announce itself: \(Setting.fleet.flag) off\n".utf8)
    }
}

extension Relay {
    /// The listing of the fleet; nil if the relay does not announce itself.
    fileprivate func fleetText(_ query: ListQuery<FleetOrder>) -> String? {
        upstream.begin(at: Self.moment(of: loop))
        guard let fleet = hub.fleet,
            let listing = upstream.fleetListing(by: query.order, limit: query.limit, after: query.after)
        else { return nil }
        let unixMilliseconds = Clock.unixMilliseconds()
        return text(listing, total: "relays", items: "fleet") { json in
            json.member("interval_seconds", tenths(seconds(fleet.ownInterval(now: now))))
            json.member("in_force", hub.isFleetHeard)
            json.member("problem", fleet.problem)
        } write: { relay, json in
            json.write(relay, unixMilliseconds: unixMilliseconds)
        }
    }

    fileprivate func connectionsText(_ query: ListQuery<ClientOrder>) -> String {
        hub.now = now
        let listing = hub.clients(by: query.order, limit: query.limit, after: query.after)
        return text(listing, total: "connections", items: "clients") { client, json in
            json.write(client, peer: peer(of: client.connection))
        }
    }

    fileprivate func channelsText(_ query: ListQuery<ChannelOrder>) -> String {
        let listing = hub.channels(by: query.order, limit: query.limit, after: query.after)
        let isSharded = hub.slots != nil
        let addresses = isSharded ? nodeAddresses : [:]
        return text(listing, total: "names", items: "channels") { channel, json in
            json.write(channel)
            guard isSharded else { return }
            json.member("slot", Int(channel.slot))
            if let address = addresses[channel.node] { json.member("node", address) }
        }
    }

    private var nodeAddresses: [Int: String] {
        var addresses: [Int: String] = [:]
        for node in nodes { addresses[node.hubNode.index] = node.address(of: nil) }
        return addresses
    }

    private func text<Item>(
        _ listing: Listing<Item>, total: String, items: String, head: (inout JSONWriter) -> Void = { _ in },
        write: (Item, inout JSONWriter) -> Void
    ) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member(total, listing.total)
            head(&json)
            json.member("looked_at", listing.lookedAt)
            json.key("next")
            if let next = listing.next { json.number(next) } else { json.null() }
            json.key(items)
            json.array { json in
                for item in listing.items { json.object { write(item, &$0) } }
            }
        }
        return json.text + "\n"
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ client: ClientFacts, peer: PeerCredentials?) {
        member("id", client.number)
        member("name", client.name)
        if let peer {
            member("uid", UInt64(peer.uid))
            // For a peer in another pid namespace the kernel gives no pid.
            if peer.pid > 0 { member("pid", Int(peer.pid)) }
        }
        member("stage", client.stage.rawValue)
        member("age_seconds", tenths(seconds(client.age)))
        member("channels", client.channels)
        member("published", client.published)
        member("published_per_second", tenths(client.publishedPerSecond))
        member("delivered", client.delivered)
        member("delivered_per_second", tenths(client.deliveredPerSecond))
        member("unread_bytes", client.unread)
        member("lost", client.lost)
        member("held_back", client.isHeldBack)
    }

    fileprivate mutating func write(_ channel: ChannelFacts) {
        member("name", channel.name)
        member("pattern", channel.isPattern)
        member("subscribers", channel.subscribers)
        member("pending", channel.pending)
        member("in_force", channel.isInForce)
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ relay: FleetFacts, unixMilliseconds: UInt64) {
        let announcement = relay.announcement
        member("host", announcement.host)
        member("socket", announcement.socket)
        member("relay_id", announcement.relayID)
        member("version", announcement.version)
        member("state", announcement.state.label)
        member("cause", announcement.cause == .unspecified ? nil : announcement.cause.label)
        // The time is by the clock of that host. If that clock is ahead of ours, the time may be in the future.
        let since = min(unixMilliseconds, announcement.sinceUnixMilliseconds)
        member("state_seconds", tenths(Double(unixMilliseconds - since) / 1000))
        let roundTrip = announcement.roundTripMicroseconds
        member("round_trip_seconds", roundTrip == 0 ? nil : Double(roundTrip) / 1_000_000)
        member("clients", announcement.connections)
        member("heard_seconds_ago", tenths(seconds(relay.heardAge)))
        member("silent", relay.isSilent)
        member("self", relay.isSelf)
    }
}

/// Rounded to tenths: more digits would say nothing.
private func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
