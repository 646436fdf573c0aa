internal import Configuration
internal import Logging
internal import Posix
internal import RelayCore
internal import TLS

extension Daemon {
    /// SIGHUP: files that were changed are read again, and what waits for its next attempt need not wait. Connections that
    /// are there stay as they are: what they were opened with was right then.
    func reloadRequested() {
        guard !isStopping else { return }
        var problems = [configuration.redis.credentials, configuration.redis.sentinelCredentials].compactMap(problem)
        do {
            if let settings = configuration.redis.tls { tls = try TLSContext(TLSContext.Settings(settings)) }
        } catch {
            problems.append("\(error); the certificates that were read before stay in use")
        }
        for problem in problems { limitedLog.log(.error, "not reloaded", now: now, ["error": "\(problem)"]) }
        if problems.isEmpty { limitedLog.log(.notice, "reloaded", now: now) }
        for relay in relays { relay.tryAgain() }
    }

    /// Why a password cannot be read, which is done at each attempt; nil when it can.
    private func problem(_ credentials: RedisConfiguration.Credentials) -> String? {
        do {
            _ = try Password.read(for: credentials)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
