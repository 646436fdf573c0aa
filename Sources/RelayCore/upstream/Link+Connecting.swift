internal import Configuration

/// How a link gets its connection: where the server is gets looked up anew for each attempt, and every address is tried in
/// turn. In which order, and for how long, is `LinkMachine`'s decision.
extension Link {
    /// Where the server is, as far as it is known before names are looked up.
    enum Location {
        case at([RedisConfiguration.Endpoint])
        /// Somebody is being asked: `hasten` is called when it is known. If that takes too long, this is why.
        case pending(LinkFailure)
        /// Nobody knows it now.
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
        // What worked last is no good any more when the server is meant to be somewhere else.
        if let last = lastGoodDestination, !endpoints.contains(last.endpoint) {
            lastGoodDestination = nil
            destination = nil
            machine.forgetLastGood()
        }
        attempt = .resolving
        upstream.act(.resolve(self, endpoints))
    }

    /// Hosts have been looked up; there may be none.
    package func resolved(_ found: [Destination]) {
        guard attempt == .resolving else { return }
        attempt = .none
        destinations = found
        perform(machine.resolved(count: found.count, now: upstream.now))
    }

    /// - Parameter hosts: those that were looked up; for people.
    package func resolvingFailed(_ hosts: String, _ reason: String) {
        guard attempt == .resolving else { return }
        attempt = .none
        let failure = LinkFailure(cause: .unreachable, reason: "resolving \(hosts): \(reason)")
        perform(machine.locatingFailed(failure, now: upstream.now))
    }

    /// Looking up has been ended: what was found until then must do.
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
            // What it waited for has come, and has not been noticed.
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

    /// Ends what is under way; what comes of it later is ignored.
    private func abandonAttempt() {
        guard attempt != .none else { return }
        attempt = .none
        upstream.act(.abandonAttempt(self))
    }
}
