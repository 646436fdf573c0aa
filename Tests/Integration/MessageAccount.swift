import TestSupport

/// What a reader has received of messages that are numbered from 0: how many messages came, and how many a Loss has
/// counted.
struct MessageAccount {
    var received = 0
    var lost = 0
    var losses = 0

    var next: Int { received + lost }

    /// Takes the next frame. A Loss is at the place of the lost messages, so each message has the number that follows
    /// from what came before it.
    mutating func take(_ frame: HubrelayRelayFrame) throws {
        switch frame.frame {
        case .message(let message):
            let number = message.text.prefix { $0 != " " }
            guard number == "\(next)" else {
                throw TestFailure("expected message \(next), got \(number)")
            }
            received += 1
        case .loss(let loss):
            guard loss.cause == .slowReader, loss.messages > 0, loss.publishes == 0 else {
                throw TestFailure("not such a Loss: \(frame.summary)")
            }
            lost += Int(loss.messages)
            losses += 1
        default: throw TestFailure("neither a Message nor a Loss: \(frame.summary)")
        }
    }
}

/// Publishes numbered messages of about 200 bytes. `keepingUp` reads each batch before the next is published.
func publishNumbers(
    _ numbers: Range<Int>, through plain: RedisClient, keepingUp: TestConnection? = nil,
    account: inout MessageAccount
) throws {
    let filling = String(repeating: "x", count: 190)
    for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 100) {
        let batch = start..<min(start + 100, numbers.upperBound)
        try plain.publish("t:c", batch.map { Array("\($0) \(filling)".utf8) })
        guard let keepingUp else { continue }
        for _ in batch { try account.take(keepingUp.next()) }
    }
}
