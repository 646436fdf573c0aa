import TestSupport

/// Runs `body` with servers, sentinels and a relay, and ends them afterwards.
func withSentinels(
    options: [String] = [], _ body: (SentinelScene, RelayProcess) throws -> Void
) throws {
    let scene = try SentinelScene()
    try withRelay(of: scene, options: options) { try body(scene, $0) }
}

/// Runs `body` with a relay of this scene, and ends the relay afterwards.
/// - Parameters:
///   - redis: the value of `--redis`; nil means the URL with all sentinels.
///   - wrapper: as in `RelayProcess`.
/// - Throws: what `body` throws, together with what the relay wrote to standard error; `TestFailure` when the relay
///   does not end with exit code 0.
func withRelay(
    of scene: SentinelScene, redis url: String? = nil, options: [String] = [], on host: NetworkHost? = nil,
    wrapper: [String] = [], line: UInt = #line, _ body: (RelayProcess) throws -> Void
) throws {
    let relay = try RelayProcess(redis: url ?? scene.url, options: options, on: host, wrapper: wrapper)
    do {
        try body(relay)
    } catch {
        throw TestFailure("\(error)\n--- the relay's standard error ---\n\(relay.process.errors)")
    }
    try relay.stop(line: line)
}

/// Runs `body` with a relay of this scene, and ends the relay afterwards. Other tests can run while `body` waits.
func withRelay(
    of scene: SentinelScene, options: [String] = [], on host: NetworkHost? = nil, line: UInt = #line,
    _ body: (RelayProcess) async throws -> Void
) async throws {
    let relay = try RelayProcess(redis: scene.url, options: options, on: host)
    do {
        try await body(relay)
    } catch {
        throw TestFailure("\(error)\n--- the relay's standard error ---\n\(relay.process.errors)")
    }
    try relay.stop(line: line)
}

/// What /health says about one sentinel.
struct SentinelHealth: Equatable {
    let address: String
    let isUp: Bool
    /// The master that the sentinel names; nil if it names none.
    let master: String?
    let reason: String?
}

extension RelayProcess {
    /// What /health says about the sentinels, in the order of the configuration.
    func sentinels() throws -> [SentinelHealth] {
        try http("/health").json["sentinels"]?.elements?.map { sentinel in
            SentinelHealth(
                address: sentinel["address"]?.text ?? "", isUp: sentinel["up"] == .bool(true),
                master: sentinel["master"]?.text, reason: sentinel["reason"]?.text)
        } ?? []
    }

    /// Waits until the relay is DOWN for one of these causes, with a reason that contains these words.
    func awaitDown(_ causes: Set<HubrelayCause>, _ words: String..., line: UInt = #line) throws {
        var status = HubrelayStatus()
        do {
            try eventually("DOWN for \(causes), with \(words)", line: line) {
                status = try clientInAnyState().welcome.status
                return status.state == .down && causes.contains(status.cause)
                    && words.allSatisfy { status.reason.contains($0) }
            }
        } catch { throw TestFailure("\(error), but \(status)") }
    }
}
