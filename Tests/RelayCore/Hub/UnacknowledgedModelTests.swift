import TestSupport
import Testing

@testable import RelayCore

/// Random requests without ids, which get no Reply. At rest, a connection has what it asked for last, except the names
/// that Redis refuses. Those were reported to it.
@Suite struct UnacknowledgedModelTests {
    private static let names = ["a", "b", "c", "d", "bad", "worse"]
    private static let bad: Set<String> = ["bad", "worse"]

    private final class Client {
        let app: App
        var wanted: Set<String> = []
        var hasAskedForBad = false
        init(_ app: App) { self.app = app }
    }

    /// Takes seconds: random steps for each seed, and all books are checked after each.
    @Test(arguments: seeds(12))
    func whatWasAskedLastHolds(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var options = HubRig.Options()
        options.restoreBatch = random.int(1...8)
        let rig = HubRig(options)
        rig.redis.forbidden = Set(Self.bad.map { rig.redisName($0) })
        let clients = (0..<4).map { _ in Client(rig.connect()) }
        for _ in 0..<20 {
            for _ in 0..<60 { step(rig, random.pick(clients), &random) }
            rig.bringUp()
            rig.settle()
            try check(rig, clients)
        }
        for client in clients { client.app.close() }
        rig.settle()
        #expect(rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0 && rig.redis.subscribed.isEmpty)
    }

    private func step(_ rig: HubRig, _ client: Client, _ random: inout SeededGenerator) {
        switch random.int(0...19) {
        case 0...5:
            let names = (0..<random.int(1...4)).map { _ in random.pick(Self.names) }
            client.app.write(.subscribe(names, id: 0))
            client.wanted.formUnion(names)
        case 6...9:
            let names = (0..<random.int(1...3)).map { _ in random.pick(Self.names) }
            client.app.write(.unsubscribe(names, id: 0))
            client.wanted.subtract(names)
        case 10...13: rig.turn()
        case 14...16: rig.redis.executeSubscribe()
        case 17...18: for _ in 0..<random.int(1...4) { rig.readSubscribeReply() }
        default: if rig.isSubscribeLinkUp(0) { rig.loseSubscribeLink() } else { rig.openSubscribeLink() }
        }
    }

    private func check(_ rig: HubRig, _ clients: [Client]) throws {
        let wanted = clients.reduce(into: Set()) { $0.formUnion($1.wanted.subtracting(Self.bad)) }
        try #require(rig.subscribedNames == wanted.sorted())
        for client in clients {
            // A frame may report several names.
            let revoked = Set(client.app.takeAnswers().flatMap { $0.split(separator: ", ").map(String.init) })
            try #require(revoked.isSubset(of: Self.bad.map { "revoked channel \($0)" }))
            // A bad name that was wanted until the end was asked for and refused, or was restored and refused.
            for name in client.wanted.intersection(Self.bad) {
                try #require(revoked.contains("revoked channel \(name)"))
            }
            client.wanted.subtract(Self.bad)
        }
        for name in Self.names { rig.publishElsewhere(name) }
        rig.settle()
        for client in clients {
            try #require(client.app.takeAnswers().sorted() == client.wanted.sorted().map { "\($0): hi" })
        }
    }
}
