package import Configuration
internal import Posix
internal import RelayCore
internal import TLS

/// What a relay with these settings would find on this host: paths, rights, addresses and files. Nothing is started, and
/// nothing is changed.
package struct HostCheck {
    /// Faults that last until somebody changes something, one line each: the setting, its value, and what is allowed.
    package private(set) var faults: [String] = []
    /// Obstacles that may go away by themselves.
    package private(set) var notes: [String] = []

    private let configuration: RelayConfiguration
    private let settings: CheckedSettings
    private let identity = ProcessIdentity.current()

    /// Checks everything that depends on settings which are themselves valid.
    package init(_ settings: CheckedSettings) {
        (self.settings, configuration) = (settings, settings.configuration)
        let listener = configuration.listener
        if settings.isSound(.socket) { lookAtPath(listener.socketPath, .socket, shown: listener.socketPath) }
        if settings.isSound(.socketGroup), let group = listener.socketGroup { lookAtGroup(group) }
        if settings.isSound(.http) { lookAtHTTP() }
        lookAtPassword(configuration.redis.credentials, .redisPasswordFile)
        lookAtPassword(configuration.redis.sentinelCredentials, .sentinelPasswordFile)
        lookAtCertificates()
        lookAtDescriptors()
    }

    private mutating func fault(_ setting: Setting, _ value: String, _ reason: String) {
        faults.append("\(settings.sources.lead(setting)): \(quoted(value, limit: 200)): \(reason)")
    }

    private mutating func lookAtPath(_ path: String, _ setting: Setting, shown: String) {
        switch SocketPlace.look(at: path, as: identity) {
        case .free, .activated: break
        case .served(let pid):
            let who = pid.map { "another relay (pid \($0))" } ?? "another relay"
            notes.append("\(who) serves \(shown) now: a new relay can use it once that one has stopped")
        case .refused(let reason): fault(setting, shown, reason)
        }
    }

    private mutating func lookAtGroup(_ name: String) {
        do throws(GroupError) {
            guard !identity.mayGive(to: try groupID(named: name)) else { return }
            fault(.socketGroup, name, "\(identity), may not give the socket to it; allowed: one of these groups")
        } catch {
            fault(.socketGroup, name, "\(error)")
        }
    }

    private mutating func lookAtHTTP() {
        switch configuration.http {
        case .off: return
        case .unix(let path): lookAtPath(path, .http, shown: "\(configuration.http)")
        case .tcp(let host, let port):
            do throws(ListeningSocketError) { try ListeningSocket.tryAddress(host: host, port: port) } catch {
                if error.isLasting {
                    fault(.http, "\(configuration.http)", "\(error)\(error.rights(of: identity))")
                } else {
                    notes.append("HTTP: \(error)")
                }
            }
        }
    }

    private mutating func lookAtPassword(_ credentials: RedisConfiguration.Credentials, _ setting: Setting) {
        guard let file = credentials.passwordFile else { return }
        do throws(SecretFileError) { _ = try readSecretFile(file) } catch {
            fault(
                setting, file,
                "\(error.reason)\(identity.lackOfReading(file)); allowed: a file that holds the password, which is read "
                    + "again at each attempt")
        }
    }

    /// Checks the CA file and the relay's own certificate separately, since each may be wrong.
    private mutating func lookAtCertificates() {
        guard let tls = configuration.redis.tls else { return }
        if let ca = tls.caFile { lookAtCertificate(TLSConfiguration(caFile: ca), .redisCA, [ca]) }
        guard let certificate = tls.certificateFile else { return }
        let key = tls.keyFile ?? certificate
        lookAtCertificate(
            TLSConfiguration(certificateFile: certificate, keyFile: key), .redisCert, [certificate, key])
    }

    private mutating func lookAtCertificate(_ tls: TLSConfiguration, _ setting: Setting, _ files: [String]) {
        do throws(TLSError) { _ = try TLSContext(TLSContext.Settings(tls)) } catch {
            let rights = files.map { identity.lackOfReading($0) }.first { !$0.isEmpty } ?? ""
            fault(setting, files[0], "\(error)\(rights); allowed: files that can be read, as PEM")
        }
    }

    private mutating func lookAtDescriptors() {
        do throws(DescriptorShortage) { _ = try Daemon.shareDescriptors(configuration) } catch {
            faults.append("\(error)")
        }
    }
}
