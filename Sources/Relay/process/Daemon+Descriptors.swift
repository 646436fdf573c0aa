internal import Configuration
internal import Posix
internal import RelayCore

extension Daemon {
    /// The socket that the service manager has made and passed, to be used as it is; nil if it has passed none.
    /// - Throws: why the socket cannot be used, or that a setting cannot apply to it.
    static func passedSocket(for listener: ListenerConfiguration) throws(PassedSocketError) -> ActivatedSocket? {
        switch try PassedDescriptors.take().count {
        case 0: return nil
        case 1: break
        case let count: throw .count("\(count)")
        }
        if listener.isModeGiven { throw .setting(Setting.socketMode.flag, inUnit: "SocketMode=") }
        if listener.socketGroup != nil { throw .setting(Setting.socketGroup.flag, inUnit: "SocketGroup=") }
        return try ActivatedSocket(path: listener.socketPath)
    }

    /// Raises the limit on descriptors as far as it can be, and shares them out.
    static func shareDescriptors(_ configuration: RelayConfiguration) throws(DescriptorShortage) -> DescriptorBudget {
        var needs = DescriptorBudget.Needs()
        needs.inherited = DescriptorLimit.openCount() ?? needs.inherited
        switch configuration.redis.topology {
        case .servers: break
        case .sentinel(let endpoints, _): needs.links += endpoints.count
        case .cluster(_, let pubsub):
            needs.links += 1
            needs.hasMoreMasters = pubsub == .sharded
        }
        switch configuration.http {
        case .off: needs.http = .off
        case .tcp: needs.http = .tcp
        case .unix: needs.http = .unix
        }
        let limit = DescriptorLimit.raiseAndGet()
        guard let budget = DescriptorBudget(limit: limit, needs: needs) else {
            throw DescriptorShortage(limit: limit, least: DescriptorBudget.least(needs))
        }
        return budget
    }
}
