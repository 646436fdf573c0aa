internal import Configuration
internal import Logging
internal import Posix
internal import RelayCore
internal import TLS

extension Relay {
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
        for problem in problems { logger.error("not reloaded: \(problem)") }
        if problems.isEmpty { logger.notice("reloaded") }
        sentinels?.hasten()
        for link in nodes.flatMap(\.links) { link.hasten() }
    }

    /// Why a password cannot be read, which is done at each attempt; nil when it can.
    private func problem(_ credentials: RedisConfiguration.Credentials) -> String? {
        do {
            _ = try readPassword(of: credentials)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// An attempt to reach Redis has failed. If the relay was told not to wait for Redis at the start, it ends.
    func attemptFailed(_ link: NodeLink, _ failure: LinkFailure) {
        guard let limit = configuration.redis.attemptsAtStart, !path.hasBeenUp, !isStopping, !isEnded,
            link.machine.failedAttempts >= limit
        else { return }
        logger.critical(
            "Redis is not there, and abort-connect says not to wait for it",
            metadata: ["attempts": "\(limit)", "reason": "\(failure.reason)"])
        exitCode = 1
        stopRequested(by: "abort-connect")
    }
}

extension TLSContext.Settings {
    init(_ configuration: TLSConfiguration) {
        self.init(
            caFile: configuration.caFile, certificateFile: configuration.certificateFile,
            keyFile: configuration.keyFile, isInsecure: configuration.isInsecure,
            minimumVersion: TLSContext.Version(configuration.versions.lowerBound),
            maximumVersion: TLSContext.Version(configuration.versions.upperBound))
    }
}

extension TLSContext.Version {
    fileprivate init(_ version: TLSConfiguration.Version) { self = version == .v12 ? .v12 : .v13 }
}
