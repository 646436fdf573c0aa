/// What a PING of ours names, and Redis repeats in its answer (PING with an argument, since Redis 2.8). By it an answer is
/// known to belong to this PING, and to no other one.
package enum PingToken {
    /// Of the greeting, which finds out whether the server repeats it.
    package static let ofGreeting = "hubrelay-0"

    /// Of PING `number` of a link, from 1 on.
    package static func bytes(of number: UInt64) -> [UInt8] { Array(text(of: number).utf8) }
    package static func text(of number: UInt64) -> String { "hubrelay-\(number)" }

    /// Whether it looks like one of these.
    package static func isToken(_ bytes: [UInt8]) -> Bool { bytes.starts(with: "hubrelay-".utf8) }
}
