internal import Configuration
internal import EventLoop
internal import Posix
internal import RelayCore

/// How a link gets its connection: where the server is gets looked up anew for each attempt, off the loop, and every
/// address is tried in turn. In which order, and for how long, is `LinkMachine`'s decision.
///
/// Callbacks of timers and lookups refer to their link `unowned`: a link that is given up ends them first (`stop`), and
/// one of a node that has left a cluster is kept for a while on top of that. A weak reference would make every retain and
/// release of the link several times as dear.
extension RedisLink {
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
        case .nowhere(let failure): perform(machine.locatingFailed(failure, now: relay.now))
        }
    }

    private func lookUp(_ endpoints: [RedisConfiguration.Endpoint]) {
        // What worked last is no good any more when the server is meant to be somewhere else.
        if let last = lastGoodPlace, !endpoints.contains(last.endpoint) {
            lastGoodPlace = nil
            place = nil
            machine.forgetLastGood()
        }
        let lookup = HostLookup(endpoints)
        self.lookup = lookup
        lookup.start(loop: relay.loop) { [unowned self] result in
            self.lookup = nil
            switch result {
            case .success(let found): resolved(found)
            case .failure(let error): resolvingFailed(lookup.hosts, LoopError.text(error.code))
            }
        }
    }

    private func resolved(_ found: [Place]) {
        places = found
        perform(machine.resolved(count: found.count, now: relay.now))
    }

    private func resolvingFailed(_ hosts: String, _ reason: String) {
        let failure = LinkFailure(cause: .unreachable, reason: "resolving \(hosts): \(reason)")
        perform(machine.locatingFailed(failure, now: relay.now))
    }

    /// Finding out where the server is has taken too long: what has been found so far must do.
    func resolvingTimedOut() {
        if let lookup {
            let found = lookup.found
            abandonAttempt()
            if found.isEmpty { resolvingFailed(lookup.hosts, "timed out") } else { resolved(found) }
        } else if case .pending(let failure) = location {
            perform(machine.locatingFailed(failure, now: relay.now))
        } else {
            // What it waited for has come, and has not been noticed.
            resolve()
        }
    }

    func connect(to target: LinkMachine.Target) {
        abandonAttempt()
        switch target {
        case .found(let index): place = places[index]
        case .lastGood: place = lastGoodPlace
        }
        guard let place else { return }
        let candidate = LinkStream(link: self, kind: place.address == nil ? .unix : .tcp)
        self.candidate = candidate
        let finished = { [unowned self] (error: LoopError?) -> Void in connected(candidate, error) }
        if let address = place.address {
            candidate.connect(to: address, body: finished)
        } else if case .unix(let path) = place.endpoint {
            candidate.connect(toPath: path, body: finished)
        }
    }

    private func connected(_ stream: LinkStream, _ error: LoopError?) {
        guard stream === candidate else { return stream.close() }
        if let error {
            dropCandidate()
            return perform(machine.connectingFailed(LoopError.text(error.code), now: relay.now))
        }
        if place?.address != nil {
            if stream.isConnectedToItself {
                dropCandidate()
                return perform(machine.connectingFailed("nobody listens there (reached itself)", now: relay.now))
            }
            let deadline = relay.configuration.timings.linkTimeout / 1_000_000
            stream.tuneTCP(userTimeoutMilliseconds: UInt32(clamping: deadline))
        }
        candidate = nil
        use(stream)
    }

    /// Ends what is under way; what comes of it later is ignored.
    func abandonAttempt() {
        lookup?.cancel()
        lookup = nil
        dropCandidate()
    }

    private func dropCandidate() {
        let candidate = candidate
        self.candidate = nil
        candidate?.close()
    }
}

/// The password for an attempt: the file is read anew each time, so that it can be rotated.
func readPassword(of credentials: RedisConfiguration.Credentials) throws(SecretFileError) -> String? {
    guard let file = credentials.passwordFile else { return credentials.password }
    return String(decoding: try readSecretFile(file), as: UTF8.self)
}
