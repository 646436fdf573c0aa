import TestSupport
import Testing

@testable import RelayCore

/// Names that Redis refuses. This affects only those who asked for them, and no other names.
@Suite struct HubRefusalTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    private func forbid(_ names: String...) { rig.redis.forbidden = Set(names.map { rig.redisName($0) }) }

    @Test func theOneWhoAskedIsRefused() throws {
        let app = rig.connect()
        forbid("bad")
        app.write(.subscribe(["bad"], id: 1))
        rig.settle()
        let reply = try #require(app.takeFrames().first).reply
        #expect(reply.outcome == .refused && reply.detail.hasPrefix("NOPERM") && reply.refusedNames == ["bad"])
        #expect(rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0)
    }

    @Test func theDetailOfAPatternSaysHowAnAccessListGrantsOne() throws {
        let app = rig.connect()
        rig.redis.forbidden = [rig.redisName("bad"), rig.redisName("p*", isPattern: true)]
        app.write(.subscribe(["bad"], patterns: ["p*"], id: 1))
        app.write(.subscribe(["bad"], id: 2))
        rig.settle()
        let details = app.takeFrames().map(\.reply.detail)
        #expect(details.map { $0.contains("literally") } == [true, false])
    }

    @Test func theWholeRequestHasNoEffect() {
        let app = rig.connect()
        forbid("bad")
        app.write(.subscribe(["a", "bad", "b"], patterns: ["p"], id: 1))
        rig.settle()
        #expect(app.takeLines() == ["1 refused [bad]"])
        #expect(rig.subscribedNames == [] && rig.hub.nameCount == 0)
    }

    @Test func namesHeldBeforeStayHeld() {
        let app = rig.connect()
        forbid("bad")
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        app.write(.subscribe(["a", "bad"], id: 2))
        rig.settle()
        rig.publishElsewhere("a")
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 refused [bad]", "a: hi"])
    }

    /// The names of one SUBSCRIBE, each from a request of its own. Splitting takes only a bounded number of commands.
    @Test func aBatchIsSplitUntilOnlyTheBadOnesAreOut() {
        for count in [2, 3, 7, 8, 100, 511, 512] {
            for bad in [[0], [count - 1], [count / 2], [0, count - 1], Set(0..<min(count, 7))] as [Set<Int>] {
                let rig = HubRig()
                rig.bringUp()
                rig.redis.forbidden = Set(bad.map { rig.redisName("n\($0)") })
                let app = rig.connect()
                for number in 0..<count { app.write(.subscribe(["n\(number)"], id: UInt64(number + 1))) }
                rig.settle()
                let expected = (0..<count).map { "\($0 + 1) " + (bad.contains($0) ? "refused [n\($0)]" : "ok") }
                #expect(app.takeLines() == expected, "\(bad) of \(count)")
                let depth = Int.bitWidth - (count - 1).leadingZeroBitCount
                #expect(rig.redis.commandSizes.count <= 1 + 2 * bad.count * depth)
            }
        }
    }

    @Test func othersInTheBatchAreServed() {
        forbid("bad1", "bad2")
        let apps = (0..<20).map { _ in rig.connect() }
        for (number, app) in apps.enumerated() {
            app.write(.subscribe([number == 7 ? "bad1" : number == 8 ? "bad2" : "n\(number)"], id: 1))
        }
        rig.settle()
        for (number, app) in apps.enumerated() {
            #expect(app.takeLines() == [number == 7 ? "1 refused [bad1]" : number == 8 ? "1 refused [bad2]" : "1 ok"])
        }
        #expect(rig.subscribedNames.count == 18)
    }

    @Test func withoutAnIDTheNameIsRevokedAndTheOthersHold() {
        let app = rig.connect()
        forbid("bad")
        app.write(.subscribe(["a", "bad"], patterns: ["p*"], id: 0))
        rig.settle()
        rig.publishElsewhere("a")
        rig.settle()
        #expect(app.takeLines() == ["revoked channel bad", "a: hi"])
        #expect(rig.subscribedNames == ["a", "~p*"] && rig.hub.subscriptionCount == 2)
    }

    @Test func aRefusedPatternIsRevokedAsOne() {
        let app = rig.connect()
        rig.redis.forbidden = [rig.redisName("p*", isPattern: true)]
        app.write(.subscribe(patterns: ["p*"], id: 0), .subscribe(["p*"], id: 1))
        rig.settle()
        #expect(app.takeLines() == ["revoked pattern p*", "1 ok"])
    }

    @Test func severalWhoAskForTheSameAreAllTold() {
        forbid("bad")
        let apps = (0..<5).map { _ in rig.connect() }
        for (number, app) in apps.enumerated() { app.write(.subscribe(["bad"], id: UInt64(number))) }
        apps[1].write(.subscribe(["bad"], id: 9))
        rig.settle()
        #expect(apps[0].takeLines() == ["revoked channel bad"])
        #expect(apps[1].takeLines() == ["1 refused [bad]", "9 refused [bad]"])
        for number in 2..<5 { #expect(apps[number].takeLines() == ["\(number) refused [bad]"]) }
        #expect(rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0)
    }

    @Test func aNameMayBeAskedForAgain() {
        let app = rig.connect()
        forbid("a")
        for number in 1...3 as ClosedRange<UInt64> {
            app.write(.subscribe(["a"], id: number))
            rig.settle()
        }
        rig.redis.forbidden = []
        app.write(.subscribe(["a"], id: 4))
        rig.settle()
        #expect(app.takeLines() == ["1 refused [a]", "2 refused [a]", "3 refused [a]", "4 ok"])
    }

    /// However many names there are, the Reply is a frame that the app accepts, which `takeFrames` checks.
    @Test func theNamesOfAReplyFitItsFrame() throws {
        var options = HubRig.Options()
        options.maxPayload = 2000
        for (count, isWhole) in [(9, true), (11, false)] {
            let rig = HubRig(options)
            rig.bringUp()
            let app = rig.connect()
            let names = (10..<(10 + count)).map { String(repeating: "n", count: 510) + "\($0)" }
            rig.redis.forbidden = Set(names.map { rig.redisName($0) })
            app.write(.subscribe(names, id: 1))
            rig.settle()
            let reply = try #require(app.takeFrames().first).reply
            #expect(reply.outcome == .refused && Set(names).isSuperset(of: reply.refusedNames))
            #expect(!reply.refusedNames.isEmpty && (reply.refusedNames.count == count) == isWhole)
            #expect(reply.detail.contains("of \(count) names") != isWhole)
        }
    }

    /// Names of a refused batch that are given up before Redis is asked for them again.
    @Test func givenUpWhileTheBatchIsBeingSplit() {
        let (app, leaver) = (rig.connect(), rig.connect())
        forbid("bad")
        app.write(.subscribe(["bad"], id: 1))
        leaver.write(.subscribe(["a", "b"], id: 1))
        rig.turn()
        rig.redis.executeSubscribe()
        rig.readSubscribeReply()
        leaver.close()
        rig.settle()
        #expect(app.takeLines() == ["1 refused [bad]"])
        #expect(rig.subscribedNames == [] && rig.hub.nameCount == 0)
    }

    /// Redis refuses an UNSUBSCRIBE, which no real Redis does. The relay must not fail.
    @Test func aRefusedUnsubscribeIsTakenAsDone() {
        let app = rig.connect()
        app.write(.subscribe(["a", "b"], id: 1))
        rig.settle()
        app.write(.unsubscribe(["a", "b"], id: 2))
        rig.flushSubscribes()
        rig.redis.dropSubscribeLink()
        #expect(rig.hub.subscribeRefused("ERR no", by: rig.node) == .none)
        rig.turn()
        #expect(app.takeLines() == ["1 ok", "2 ok"] && rig.hub.nameCount == 0)
    }

    @Test func theHalvesOfARefusedCommandComeBeforeWhatOthersAskFor() {
        forbid("c")
        let (app, other) = (rig.connect(), rig.connect())
        app.write(.subscribe(["a", "b", "c", "d"], id: 1))
        rig.turn()
        other.write(.subscribe(["x"], id: 1))
        rig.redis.executeSubscribe()
        rig.readSubscribeReply()
        rig.turn()
        #expect(rig.commands(0) == ["subscribe a b", "subscribe c d x"])
        rig.settle()
        #expect(app.takeLines() == ["1 refused [c]"] && other.takeLines() == ["1 ok"])
    }

    /// A request may be as large as a frame, and Redis's text about its names comes on top.
    @Test func revokedNamesTakeSeveralFramesWhereOneIsTooSmall() {
        var options = HubRig.Options()
        options.maxPayload = 4096
        let rig = HubRig(options)
        rig.bringUp()
        let app = rig.connect()
        let names =
            (10..<25).map { "\($0)" + String(repeating: "x", count: 510) } + [String(repeating: "y", count: 440)]
        for name in names { rig.redis.forbidden.insert(rig.redisName(name)) }
        app.write(.subscribe(names, id: 0))
        rig.settle()
        let frames = app.takeFrames()
        #expect(frames.count == 2 && frames.flatMap { $0.revoked.channels }.sorted() == names)
    }
}
