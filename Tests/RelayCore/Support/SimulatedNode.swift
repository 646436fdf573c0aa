import Configuration

@testable import RelayCore

/// One Redis node of a `HubRig`: the server, and what goes on between it and the relay's links.
final class SimulatedNode {
    let number: Int
    let redis = FakeRedis()
    /// Whether the server takes the output of the subscribe link. If not, names wait in the hub.
    var takesCommands = true
    /// What was written on the publish link and waits in the relay's backlog.
    var publishBacklog: [UInt8] = []

    init(number: Int, isMember: Bool) {
        self.number = number
        if isMember { redis.membership = Membership(number: number) }
    }

    static func endpoint(_ number: Int) -> RedisConfiguration.Endpoint {
        .tcp(host: "127.0.0.1", port: UInt16(Membership.firstPort + number))
    }

    /// The hash slot that no name of a test has, and that the node keeps as long as it exists.
    static func ownSlot(_ number: Int) -> Int { HashSlots.count - 1 - number }
}

/// What the I/O layer would have for a link.
final class SimulatedSocket: LinkConnection {
    /// The link wants to connect.
    var isConnecting = false
    /// When the link wants to be woken.
    var wakesAt: UInt64?
    /// Bytes that Redis got, but that count as unsent.
    var alsoUnsent = 0
    /// Bytes that wait in the backlog.
    private let backlog: () -> Int
    /// What is done when the connection ends.
    private let onClose: () -> Void

    init(backlog: @escaping () -> Int, onClose: @escaping () -> Void) {
        (self.backlog, self.onClose) = (backlog, onClose)
    }

    var unsentPlaintext: Int { backlog() + alsoUnsent }

    func close() {
        isConnecting = false
        onClose()
    }
}
