internal import Configuration
internal import Logging
internal import Posix
internal import RelayCore
internal import TLS

extension Daemon {
    /// SIGHUP: reads changed files again, and lets links that wait for their next attempt retry at once. Open
    /// connections stay as they are: what they were opened with was right then.
    func reloadRequested() {
        guard !isStopping else { return }
        let passwords = [configuration.redis.credentials, configuration.redis.sentinelCredentials].compactMap(problem)
        reloads.asked(passwords: passwords, certificates: readCertificates(), at: Clock.unixMilliseconds())
        for problem in reloads.problems { logNotReloaded(problem) }
        if reloads.isSuccessful { limitedLog.log(.notice, "reloaded", now: now) }
        for relay in relays { relay.tryAgain() }
    }

    /// What secures an attempt to connect; nil without TLS. Files that have changed are read again first, as passwords
    /// are.
    func tlsForAttempt() -> TLSContext? {
        if certificates?.haveChanged == true {
            let problem = readCertificates()
            reloads.readCertificates(problem, at: Clock.unixMilliseconds())
            if let problem {
                logNotReloaded(problem)
            } else {
                limitedLog.log(.notice, "certificates were read again, because their files have changed", now: now)
            }
        }
        return certificates?.context
    }

    private func logNotReloaded(_ problem: String) {
        limitedLog.log(.error, "not reloaded", now: now, ["error": "\(problem)"])
    }

    /// Why the certificates could not be read again; nil if they were, or if there are none.
    private func readCertificates() -> String? {
        do throws(TLSError) {
            try certificates?.read()
            return nil
        } catch {
            return "\(error); the certificates that were read before stay in use"
        }
    }

    /// Why a password cannot be read; nil if it can. It is read again at each attempt.
    private func problem(_ credentials: RedisConfiguration.Credentials) -> String? {
        do {
            _ = try Password.read(for: credentials)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
