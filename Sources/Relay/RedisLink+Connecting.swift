internal import Configuration
internal import EventLoop
internal import RelayCore

/// How a link gets its connection: the host name is looked up anew for each attempt, off the loop, and every address is
/// tried in turn. In which order, and for how long, is `LinkMachine`'s decision.
///
/// Links live as long as the loop runs, so callbacks refer to them `unowned`. A weak reference would make every retain
/// and release of the link several times as dear, and there are some for each message.
extension RedisLink {
    private var endpoint: RedisConfiguration.Endpoint { relay.configuration.redis.firstEndpoint }

    func resolve() {
        abandonAttempt()
        guard case .tcp(let host, let port) = endpoint else {
            return perform(machine.resolved(count: 1, now: relay.now))
        }
        if let address = NetworkAddress(numericHost: host, port: port) { return resolved(.success([address])) }
        resolver = Resolver(loop: relay.loop, host: host, port: port) { [unowned self] in resolved($0) }
    }

    private func resolved(_ result: Result<[NetworkAddress], LoopError>) {
        resolver = nil
        switch result {
        case .success(let found):
            addresses = found
            perform(machine.resolved(count: found.count, now: relay.now))
        case .failure(let error): perform(machine.resolvingFailed(LoopError.text(error.code), now: relay.now))
        }
    }

    func connect(to target: LinkMachine.Target) {
        abandonAttempt()
        let candidate = LinkStream(link: self, kind: isTCP ? .tcp : .unix)
        self.candidate = candidate
        let finished = { [unowned self] (error: LoopError?) -> Void in connected(candidate, error) }
        switch target {
        case .found(let index): address = isTCP ? addresses[index] : nil
        case .lastGood: address = lastGoodAddress
        }
        if let address {
            candidate.connect(to: address, body: finished)
        } else if case .unix(let path) = endpoint {
            candidate.connect(toPath: path, body: finished)
        }
    }

    private var isTCP: Bool {
        if case .tcp = endpoint { true } else { false }
    }

    private func connected(_ stream: LinkStream, _ error: LoopError?) {
        guard stream === candidate else { return stream.close() }
        if let error {
            dropCandidate()
            return perform(machine.connectingFailed(LoopError.text(error.code), now: relay.now))
        }
        if isTCP, stream.isConnectedToItself {
            dropCandidate()
            return perform(machine.connectingFailed("nobody listens there (reached itself)", now: relay.now))
        }
        candidate = nil
        if isTCP {
            let deadline = relay.configuration.timings.linkTimeout / 1_000_000
            stream.tuneTCP(userTimeoutMilliseconds: UInt32(clamping: deadline))
        }
        greet(stream)
    }

    /// Ends what is under way; what comes of it later is ignored.
    func abandonAttempt() {
        resolver?.cancel()
        resolver = nil
        dropCandidate()
    }

    private func dropCandidate() {
        let candidate = candidate
        self.candidate = nil
        candidate?.close()
    }
}
