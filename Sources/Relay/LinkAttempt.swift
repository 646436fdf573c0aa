internal import Configuration
internal import EventLoop
internal import RelayCore

/// One attempt to connect to Redis: the host name is looked up anew, every address is tried in turn, and the address
/// that worked last serves as a fallback when the resolver fails.
final class LinkAttempt {
    private let loop: Loop
    private let endpoint: RedisConfiguration.Endpoint
    private let timeout: UInt64
    private let fallback: NetworkAddress?
    private let makeStream: (EventLoop.Stream.Kind) -> EventLoop.Stream
    private let finished: (Result<(EventLoop.Stream, NetworkAddress?), LinkFailure>) -> Void

    private var timer: Timer?
    private var resolver: Resolver?
    private var stream: EventLoop.Stream?
    private var addresses: [NetworkAddress] = []
    private var lastFailure = LinkFailure(cause: .unreachable, reason: "no address")
    private var isOver = false

    /// - Parameter timeout: nanoseconds, for the lookup and for each address.
    /// - Parameter finished: called once, unless `cancel` comes first.
    init(
        loop: Loop, endpoint: RedisConfiguration.Endpoint, timeout: UInt64, fallback: NetworkAddress?,
        makeStream: @escaping (EventLoop.Stream.Kind) -> EventLoop.Stream,
        finished: @escaping (Result<(EventLoop.Stream, NetworkAddress?), LinkFailure>) -> Void
    ) {
        (self.loop, self.endpoint, self.timeout, self.fallback) = (loop, endpoint, timeout, fallback)
        (self.makeStream, self.finished) = (makeStream, finished)
    }

    func start() {
        timer = Timer(loop: loop) { [unowned self] in timedOut() }
        timer?.start(after: timeout)
        switch endpoint {
        case .unix(let path):
            let stream = makeStream(.unix)
            self.stream = stream
            stream.connect(toPath: path) { [weak self] error in self?.connected(stream, nil, error) }
        case .tcp(let host, let port):
            if let address = NetworkAddress(numericHost: host, port: port) {
                addresses = [address]
                return tryNext()
            }
            resolver = Resolver(loop: loop, host: host, port: port) { [weak self] in self?.resolved($0) }
        }
    }

    private func resolved(_ result: Result<[NetworkAddress], LoopError>) {
        resolver = nil
        switch result {
        case .success(let found): addresses = found
        case .failure(let error):
            lastFailure = LinkFailure(cause: .unreachable, reason: "\(hostName): \(error)")
            addresses = fallback.map { [$0] } ?? []
        }
        tryNext()
    }

    private func tryNext() {
        guard !addresses.isEmpty else { return finish(.failure(lastFailure)) }
        let address = addresses.removeFirst()
        let stream = makeStream(.tcp)
        self.stream = stream
        timer?.start(after: timeout)
        stream.connect(to: address) { [weak self] error in self?.connected(stream, address, error) }
    }

    private func connected(_ stream: EventLoop.Stream, _ address: NetworkAddress?, _ error: LoopError?) {
        guard !isOver, stream === self.stream else { return stream.close() }
        if let error {
            lastFailure = LinkFailure(cause: .unreachable, reason: "\(error)")
        } else if address != nil, stream.isConnectedToItself {
            lastFailure = LinkFailure(cause: .unreachable, reason: "connecting: nobody listens there (reached itself)")
        } else {
            return finish(.success((stream, address)))
        }
        stream.close()
        tryNext()
    }

    private func timedOut() {
        lastFailure = LinkFailure(
            cause: .unreachable,
            reason: resolver == nil ? "connecting: timed out" : "resolving \(hostName): timed out")
        if let resolver {
            resolver.cancel()
            self.resolver = nil
            addresses = fallback.map { [$0] } ?? []
        }
        stream?.close()
        stream = nil
        tryNext()
    }

    private var hostName: String {
        if case .tcp(let host, _) = endpoint { host } else { "" }
    }

    private func finish(_ result: Result<(EventLoop.Stream, NetworkAddress?), LinkFailure>) {
        guard !isOver else { return }
        release()
        finished(result)
    }

    /// Gives the attempt up; nothing is called any more.
    func cancel() {
        guard !isOver else { return }
        let stream = stream
        release()
        stream?.close()
    }

    private func release() {
        isOver = true
        timer?.close()
        timer = nil
        resolver?.cancel()
        resolver = nil
        stream = nil
    }
}
