internal import Configuration

/// How a link gets its connection. Each attempt looks the server up again, and tries its addresses one after the other.
/// `LinkMachine` decides in which order, and for how long.
extension Link {
    /// Where the server is, as far as it is known before hosts are looked up.
    enum Location {
        case at([RedisConfiguration.Endpoint])
        /// The sentinels, or the members of the cluster, are being asked: `hasten` is called when it is known. If that
        /// takes too long, this is the reason.
        case pending(LinkFailure)
        /// Nobody knows it now, for this reason.
        case nowhere(LinkFailure)
    }

    func resolve() {
        abandonAttempt()
        switch location {
        case .at(let endpoints): lookUp(endpoints)
        case .pending: break
        case .nowhere(let failure): perform(machine.locatingFailed(failure, now: upstream.now))
        }
    }

    private func lookUp(_ endpoints: [RedisConfiguration.Endpoint]) {
        // The destination that worked last is of no use if the server is at another place now.
        if let last = lastGoodDestination, !endpoints.contains(last.endpoint) {
            lastGoodDestination = nil
            destination = nil
            machine.forgetLastGood()
        }
        attempt = .resolving
        upstream.act(.resolve(self, endpoints))
    }

    /// The hosts have been looked up; `found` may be empty.
    package func resolved(_ found: [Destination]) {
        guard attempt == .resolving else { return }
        attempt = .none
        destinations = found
        perform(machine.resolved(count: found.count, now: upstream.now))
    }

    /// - Parameter hosts: the hosts that were looked up, for people.
    package func resolvingFailed(_ hosts: String, _ reason: String) {
        guard attempt == .resolving else { return }
        attempt = .none
        let failure = LinkFailure(cause: .unreachable, reason: "resolving \(hosts): \(reason)")
        perform(machine.locatingFailed(failure, now: upstream.now))
    }

    /// The look-up has been ended early: the attempt uses what was found until then.
    package func resolvingEnded(_ hosts: String, found: [Destination]) {
        if found.isEmpty { resolvingFailed(hosts, "timed out") } else { resolved(found) }
    }

    /// Finding out where the server is has taken too long.
    func resolvingTimedOut() {
        if attempt == .resolving {
            upstream.act(.endResolving(self))
        } else if case .pending(let failure) = location {
            perform(machine.locatingFailed(failure, now: upstream.now))
        } else {
            // The location has become known, and the link was not notified.
            resolve()
        }
    }

    func connect(to target: LinkMachine.Target) {
        abandonAttempt()
        switch target {
        case .found(let index): destination = destinations[index]
        case .lastGood: destination = lastGoodDestination
        }
        guard let destination else { return }
        attempt = .connecting
        hub.counters.connectionAttempts[kind] += 1
        upstream.act(.connect(self, destination))
    }

    /// The address cannot be connected to.
    package func connectingFailed(_ reason: String) {
        guard attempt == .connecting else { return }
        attempt = .none
        perform(machine.connectingFailed(reason, now: upstream.now))
    }

    /// The socket is connected.
    package func connected() {
        guard attempt == .connecting else { return }
        attempt = .connected
        guard let tls = upstream.redis.tls, let host = destination?.endpoint.host else {
            return upstream.act(.readPassword(self))
        }
        machine.securing(now: upstream.now)
        perform(.none)
        upstream.act(.secure(self, serverName: tls.serverName ?? host))
    }

    /// Ends what is under way; its later results are ignored.
    private func abandonAttempt() {
        guard attempt != .none else { return }
        attempt = .none
        upstream.act(.abandonAttempt(self))
    }
}
