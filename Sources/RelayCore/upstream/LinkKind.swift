/// What a connection to a server is used for.
package enum LinkKind: UInt8, Sendable, CaseIterable {
    case publish, subscribe, sentinel, cluster
}

extension LinkKind {
    /// The name in logs, `/health`, metric labels and CLIENT LIST.
    package var label: String {
        switch self {
        case .publish: "publish"
        case .subscribe: "subscribe"
        case .sentinel: "sentinel"
        case .cluster: "cluster"
        }
    }
}
