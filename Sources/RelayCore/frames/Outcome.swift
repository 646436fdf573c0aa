/// The outcome of a request, as in a Reply (PROTOCOL.md, "Reply").
package enum Outcome: UInt8, Sendable {
    case ok = 1
    case pending, notConnected, interrupted, refused, invalid, limit
}

extension Outcome {
    /// The name in metric labels and in the output of the commands.
    package var label: String {
        switch self {
        case .ok: "ok"
        case .pending: "pending"
        case .notConnected: "not_connected"
        case .interrupted: "interrupted"
        case .refused: "refused"
        case .invalid: "invalid"
        case .limit: "limit"
        }
    }
}
