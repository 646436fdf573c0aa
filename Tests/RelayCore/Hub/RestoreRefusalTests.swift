import TestSupport
import Testing

@testable import RelayCore

/// Names that Redis refuses when they are restored. Their holders are notified, and nothing else suffers.
@Suite struct RestoreRefusalTests {
    private let rig = HubRig()

    @Test func theHolderOfARefusedNameLosesItAndUpComes() {
        rig.bringUp()
        let (one, other) = (rig.connect(), rig.connect())
        one.write(.subscribe(["a", "b"], patterns: ["p"], id: 1))
        other.write(.subscribe(["b", "c"], id: 1))
        rig.settle()
        rig.redis.forbidden = [rig.redisName("b"), rig.redisName("p", isPattern: true)]
        rig.loseSubscribeLink()
        rig.bringUp()
        #expect(rig.path.status.state == .up && rig.subscribedNames == ["a", "c"])
        #expect(one.takeAnswers().sorted() == ["1 ok", "revoked channel b", "revoked pattern p"])
        #expect(other.takeAnswers() == ["1 ok", "revoked channel b"])
        #expect(rig.hub.subscriptionCount == 2)
    }

    /// A name is held, restored and refused, and at the same time asked for again.
    @Test func refusedWhileAskedForDuringARestore() {
        let app = rig.connect()
        app.write(.subscribe(["a", "bad"], id: 0))
        rig.redis.forbidden = [rig.redisName("bad")]
        rig.openSubscribeLink()
        app.write(.subscribe(["bad", "c"], id: 1), .subscribe(["bad"], id: 0))
        rig.settle()
        // There is a Revoked for the name that it held, and later one for the request without an id.
        #expect(app.takeAnswers() == ["revoked channel bad", "1 refused [bad]", "revoked channel bad"])
        #expect(rig.subscribedNames == ["a"] && rig.hub.subscriptionCount == 1 && rig.hub.nameCount == 1)
    }

    @Test func everyNameRefusedIsUpAllTheSame() {
        let app = rig.connect()
        app.write(.subscribe(["a", "b", "c"], id: 0))
        rig.redis.forbidden = Set(["a", "b", "c"].map { rig.redisName($0) })
        rig.bringUp()
        #expect(rig.path.status.state == .up && rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0)
        #expect(app.takeAnswers().count == 3)
    }

    /// A few bad names do not make the restore of very many names much slower.
    @Test func aFewBadNamesCostFewCommands() {
        let app = rig.connect()
        for batch in 0..<20 { app.write(.subscribe((0..<500).map { "n\(batch * 500 + $0)" }, id: 0)) }
        rig.redis.forbidden = Set([17, 4999, 5000, 9999].map { rig.redisName("n\($0)") })
        rig.bringUp()
        #expect(rig.path.status.state == .up && rig.subscribedNames.count == 9996)
        #expect(app.takeAnswers().count == 4)
        #expect(rig.redis.commandSizes.count < 20 + 4 * 2 * 10, "\(rig.redis.commandSizes.count) commands")
        #expect(rig.redis.commandSizes.reduce(0, +) < 20_000, "names told, some of them again")
    }
}
