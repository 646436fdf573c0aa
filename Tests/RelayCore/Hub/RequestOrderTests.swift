import TestSupport
import Testing

@testable import RelayCore

/// Rule 5: requests of one connection that name the same channel take effect, and are answered, in order.
@Suite struct RequestOrderTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    private func reply() {
        rig.redis.executeSubscribe()
        rig.readSubscribeReply()
        rig.turn()
    }

    @Test func subscribeThenUnsubscribe() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1), .unsubscribe(["a"], id: 2))
        rig.turn()
        #expect(app.takeLines() == [])
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 ok"])
        #expect(rig.subscribedNames == [] && rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0)
    }

    @Test func backAndForth() {
        let app = rig.connect()
        for number in 1...9 as ClosedRange<UInt64> {
            app.write(number % 2 == 1 ? .subscribe(["a"], id: number) : .unsubscribe(["a"], id: number))
        }
        rig.settle()
        #expect(app.takeLines() == (1...9).map { "\($0) ok" })
        rig.publishElsewhere("a")
        rig.settle()
        #expect(app.takeLines() == ["a: hi"] && rig.hub.subscriptionCount == 1)
    }

    @Test func unsubscribeThenSubscribeWhileRedisIsBeingTold() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        app.write(.subscribe(["a"], id: 3))
        rig.turn()
        #expect(app.takeLines() == ["1 ok", "2 ok"], "Redis may not have us any more")
        rig.settle()
        #expect(app.takeLines() == ["3 ok"] && rig.subscribedNames == ["a"])
        rig.publishElsewhere("a")
        rig.settle()
        #expect(app.takeLines() == ["a: hi"])
    }

    @Test func unsubscribeThenSubscribeBeforeRedisIsTold() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        app.write(.unsubscribe(["a"], id: 2), .subscribe(["a"], id: 3))
        rig.turn()
        #expect(app.takeLines() == ["1 ok", "2 ok", "3 ok"])
        rig.settle()
        #expect(rig.redis.commandSizes == [1] && rig.subscribedNames == ["a"])
    }

    @Test func aRequestForWhatIsThereWaitsForTheOneBeforeIt() {
        let (app, other) = (rig.connect(), rig.connect())
        other.write(.subscribe(["b"], id: 1))
        rig.settle()
        app.write(.subscribe(["a", "b"], id: 1), .subscribe(["b"], id: 2))
        rig.turn()
        #expect(app.takeLines() == [])
        reply()
        #expect(app.takeLines() == ["1 ok", "2 ok"])
    }

    @Test func refusedThenAgain() {
        let app = rig.connect()
        rig.redis.forbidden = [rig.redisName("bad")]
        app.write(.subscribe(["bad", "a"], id: 1), .subscribe(["a"], id: 2), .unsubscribe(["bad"], id: 3))
        rig.settle()
        #expect(app.takeLines() == ["1 refused [bad]", "2 ok", "3 ok"])
        #expect(rig.subscribedNames == ["a"])
    }

    /// An answer that could be given at once waits if an earlier request names the same channel.
    @Test func invalidRequestsKeepTheOrderToo() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1), .subscribe(["a", ""], id: 2), .unsubscribe(["a", ""], id: 3))
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 invalid", "3 invalid"])
    }

    @Test func requestsOverTheLimitKeepTheOrderToo() {
        var options = HubRig.Options()
        options.maxSubscriptionsPerConnection = 2
        let rig = HubRig(options)
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1), .subscribe(["a", "b", "c"], id: 2), .unsubscribe(["a"], id: 3))
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 limit", "3 ok"])
        #expect(rig.subscribedNames == [] && rig.hub.subscriptionCount == 0)
    }

    @Test func answersAboutOtherChannelsDoNotWait() {
        let (app, other) = (rig.connect(), rig.connect())
        other.write(.subscribe(["b"], id: 1))
        app.write(.subscribe(["b", ""], id: 1), .unsubscribe(["b"], id: 2))
        app.write(.subscribe(["a"], id: 3), .subscribe(["c", ""], id: 4), .unsubscribe(["c"], id: 5))
        rig.turn()
        #expect(app.takeLines() == ["1 invalid", "2 ok", "4 invalid", "5 ok"])
        rig.settle()
        #expect(app.takeLines() == ["3 ok"])
    }

    @Test func anOutageAnswersTheWaitingOnesInOrder() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1), .subscribe(["a", ""], id: 2), .unsubscribe(["a"], id: 3))
        app.write(.subscribe(["a"], id: 4))
        rig.loseSubscribeLink()
        rig.turn()
        #expect(app.takeAnswers() == ["1 pending", "2 invalid", "3 ok", "4 pending"])
    }

    @Test func pingsOvertake() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1), .ping(id: 2), .publish("", "x", id: 3))
        rig.settle()
        #expect(app.takeLines() == ["2 ok", "3 invalid", "1 ok"])
    }
}
