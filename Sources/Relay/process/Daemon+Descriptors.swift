internal import Configuration
internal import Posix
internal import RelayCore

extension Daemon {
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
