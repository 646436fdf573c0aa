internal import Configuration
internal import EventLoop
internal import RelayCore

/// Looks several hosts up at the same time, and gives their addresses in the order of the hosts.
final class HostLookup {
    private let endpoints: [RedisConfiguration.Endpoint]
    private var results: [[Destination]]
    private var resolvers: [Resolver] = []
    private var pending = 0
    private var failure: LoopError?
    private var body: ((Result<[Destination], LoopError>) -> Void)?

    init(_ endpoints: [RedisConfiguration.Endpoint]) {
        self.endpoints = endpoints
        results = endpoints.map { _ in [] }
    }

    /// - Parameter body: called once, possibly before `start` returns, with the addresses, or with the reason why none
    ///   was found.
    func start(loop: Loop, body: @escaping (Result<[Destination], LoopError>) -> Void) {
        self.body = body
        for (index, endpoint) in endpoints.enumerated() { begin(index, endpoint, loop) }
        finishIfDone()
    }

    /// The host names that are looked up, for people.
    var hosts: String {
        endpoints.compactMap(\.host).joined(separator: ", ")
    }

    /// What has been found so far.
    var found: [Destination] { results.flatMap(\.self) }

    /// Cancels the lookup: `body` is not called any more.
    func cancel() {
        body = nil
        for resolver in resolvers { resolver.cancel() }
    }

    private func begin(_ index: Int, _ endpoint: RedisConfiguration.Endpoint, _ loop: Loop) {
        guard case .tcp(let host, let port) = endpoint else {
            results[index] = [Destination(endpoint: endpoint)]
            return
        }
        if let address = NetworkAddress(numericHost: host, port: port) {
            results[index] = [Destination(endpoint: endpoint, address: address.bytes)]
            return
        }
        pending += 1
        resolvers.append(
            Resolver(loop: loop, host: host, port: port) { [self] result in
                switch result {
                case .success(let addresses):
                    results[index] = addresses.map { Destination(endpoint: endpoint, address: $0.bytes) }
                case .failure(let error): failure = error
                }
                pending -= 1
                finishIfDone()
            })
    }

    private func finishIfDone() {
        guard pending == 0, let body else { return }
        self.body = nil
        let found = found
        if found.isEmpty, let failure { body(.failure(failure)) } else { body(.success(found)) }
    }
}
