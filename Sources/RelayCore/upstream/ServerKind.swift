/// The kind of server that a link must find where it connects.
package enum ServerKind: Sendable {
    case redis, sentinel
    /// A master of a cluster; any member of it.
    case clusterMaster, clusterMember

    var isOfCluster: Bool { self == .clusterMaster || self == .clusterMember }
}
