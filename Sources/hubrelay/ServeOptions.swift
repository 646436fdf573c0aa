internal import ArgumentParser
internal import Configuration
internal import Posix

/// The settings of `serve`, for all commands that have them.
///
/// Every option is text here. Only the table of settings knows what is allowed, and it also words the errors.
struct ServeOptions: ParsableArguments {
    @Option(name: .of(.socket), help: .of(.socket)) var socket: String?
    @Option(name: .of(.prefix), help: .of(.prefix)) var prefix: String?
    @Option(name: .of(.socketMode), help: .of(.socketMode)) var socketMode: String?
    @Option(name: .of(.socketGroup), help: .of(.socketGroup)) var socketGroup: String?
    @Option(name: .of(.allowUID), help: .of(.allowUID)) var allowUID: [String] = []
    @Option(name: .of(.allowGID), help: .of(.allowGID)) var allowGID: [String] = []
    @Flag(name: .of(.takeOver), help: .of(.takeOver)) var takeOver = false
    @Option(name: .of(.takeOverTimeout), help: .of(.takeOverTimeout)) var takeOverTimeout: String?
    @Option(name: .of(.redis), help: .of(.redis)) var redis: String?
    @Option(name: .of(.redisUser), help: .of(.redisUser)) var redisUser: String?
    @Option(name: .of(.redisPasswordFile), help: .of(.redisPasswordFile)) var redisPasswordFile: String?
    @Option(name: .of(.sentinelUser), help: .of(.sentinelUser)) var sentinelUser: String?
    @Option(name: .of(.sentinelPasswordFile), help: .of(.sentinelPasswordFile)) var sentinelPasswordFile: String?
    @Option(name: .of(.clusterPubSub), help: .of(.clusterPubSub)) var clusterPubSub: String?
    @Option(name: .of(.redisCA), help: .of(.redisCA)) var redisCA: String?
    @Option(name: .of(.redisCert), help: .of(.redisCert)) var redisCert: String?
    @Option(name: .of(.redisKey), help: .of(.redisKey)) var redisKey: String?
    @Option(name: .of(.redisTLSName), help: .of(.redisTLSName)) var redisTLSName: String?
    @Flag(name: .of(.redisTLSInsecure), help: .of(.redisTLSInsecure)) var redisTLSInsecure = false
    @Option(name: .of(.redisClientName), help: .of(.redisClientName)) var redisClientName: String?
    @Option(name: .of(.abortConnect), help: .of(.abortConnect)) var abortConnect: String?
    @Option(name: .of(.http), help: .of(.http)) var http: String?
    @Option(name: .of(.httpHost), help: .of(.httpHost)) var httpHost: [String] = []
    @Option(name: .of(.httpDetails), help: .of(.httpDetails)) var httpDetails: String?

    @Option(name: .of(.maxPayload), help: .of(.maxPayload)) var maxPayload: String?
    @Option(name: .of(.window), help: .of(.window)) var window: String?
    @Option(name: .of(.maxBuffered), help: .of(.maxBuffered)) var maxBuffered: String?
    @Option(name: .of(.maxConnections), help: .of(.maxConnections)) var maxConnections: String?
    @Option(name: .of(.maxSubscriptions), help: .of(.maxSubscriptions)) var maxSubscriptions: String?
    @Option(name: .of(.maxSubscriptionsPerConnection), help: .of(.maxSubscriptionsPerConnection))
    var maxSubscriptionsPerConnection: String?

    @Option(name: .of(.helloTimeout), help: .of(.helloTimeout)) var helloTimeout: String?
    @Option(name: .of(.frameTimeout), help: .of(.frameTimeout)) var frameTimeout: String?
    @Option(name: .of(.stopTimeout), help: .of(.stopTimeout)) var stopTimeout: String?
    @Option(name: .of(.heartbeatInterval), help: .of(.heartbeatInterval)) var heartbeatInterval: String?
    @Option(name: .of(.linkTimeout), help: .of(.linkTimeout)) var linkTimeout: String?
    @Option(name: .of(.probe), help: .of(.probe)) var probe: String?
    @Option(name: .of(.fleet), help: .of(.fleet)) var fleet: String?
    @Option(name: .of(.connectTimeout), help: .of(.connectTimeout)) var connectTimeout: String?
    @Option(name: .of(.backoffMin), help: .of(.backoffMin)) var backoffMin: String?
    @Option(name: .of(.backoffMax), help: .of(.backoffMax)) var backoffMax: String?
    @Option(name: .of(.backoffMaxRefused), help: .of(.backoffMaxRefused)) var backoffMaxRefused: String?
    @Option(name: .of(.restoreBatch), help: .of(.restoreBatch)) var restoreBatch: String?

    @Option(name: .of(.logLevel), help: .of(.logLevel)) var logLevel: String?
    @Option(name: .of(.logFormat), help: .of(.logFormat)) var logFormat: String?

    /// Everything that was typed, by flag.
    var flags: [String: [String]] {
        let single: [(Setting, String?)] = [
            (.socket, socket), (.prefix, prefix), (.socketMode, socketMode), (.socketGroup, socketGroup),
            (.redis, redis), (.redisUser, redisUser), (.redisPasswordFile, redisPasswordFile),
            (.sentinelUser, sentinelUser), (.sentinelPasswordFile, sentinelPasswordFile),
            (.clusterPubSub, clusterPubSub), (.redisCA, redisCA), (.redisCert, redisCert), (.redisKey, redisKey),
            (.redisTLSName, redisTLSName),
            // If a switch is absent, its variable decides.
            (.takeOver, takeOver ? "true" : nil), (.takeOverTimeout, takeOverTimeout),
            (.redisTLSInsecure, redisTLSInsecure ? "true" : nil), (.redisClientName, redisClientName),
            (.abortConnect, abortConnect), (.http, http), (.httpDetails, httpDetails),
            (.maxPayload, maxPayload), (.window, window), (.maxBuffered, maxBuffered),
            (.maxConnections, maxConnections), (.maxSubscriptions, maxSubscriptions),
            (.maxSubscriptionsPerConnection, maxSubscriptionsPerConnection),
            (.helloTimeout, helloTimeout), (.frameTimeout, frameTimeout), (.stopTimeout, stopTimeout),
            (.heartbeatInterval, heartbeatInterval), (.linkTimeout, linkTimeout), (.probe, probe), (.fleet, fleet),
            (.connectTimeout, connectTimeout), (.backoffMin, backoffMin), (.backoffMax, backoffMax),
            (.backoffMaxRefused, backoffMaxRefused), (.restoreBatch, restoreBatch),
            (.logLevel, logLevel), (.logFormat, logFormat),
        ]
        var flags = [Setting.allowUID.flag: allowUID, Setting.allowGID.flag: allowGID, Setting.httpHost.flag: httpHost]
        for case (let setting, let text?) in single { flags[setting.flag] = [text] }
        return flags
    }

    /// All settings, from flags and variables, with their faults.
    func settings() -> CheckedSettings {
        CheckedSettings(flags: flags, environment: environmentVariable, variables: environmentVariableNames())
    }
}

extension NameSpecification {
    /// The flag of a setting.
    static func of(_ setting: Setting) -> NameSpecification {
        .customLong(setting.name)
    }
}

extension ArgumentHelp {
    /// The help of a setting, with its unit, range, default and environment variable.
    static func of(_ setting: Setting) -> ArgumentHelp {
        ArgumentHelp("\(setting.help)", valueName: setting.placeholder)
    }
}
