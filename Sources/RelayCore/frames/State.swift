/// The state of the path to Redis (PROTOCOL.md, "Status").
package enum State: UInt8, Sendable {
    case up = 1
    case degraded, down, stopping
}

extension State {
    /// The name in `/health`, logs and metric labels.
    package var label: String {
        switch self {
        case .up: "up"
        case .degraded: "degraded"
        case .down: "down"
        case .stopping: "stopping"
        }
    }
}
