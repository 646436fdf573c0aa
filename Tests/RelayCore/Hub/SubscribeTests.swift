import TestSupport
import Testing

@testable import RelayCore

/// Subscriptions when nothing goes wrong.
@Suite struct HubSubscribeTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    @Test func okComesOnceRedisHasConfirmedEveryName() {
        let app = rig.connect()
        app.write(.subscribe(["a", "b"], patterns: ["p*"], id: 1))
        rig.turn()
        while !rig.redis.subscribeCommands.isEmpty { rig.redis.executeSubscribe() }
        for _ in 0..<3 {
            rig.turn()
            #expect(app.takeLines() == [])
            rig.readSubscribeReply()
        }
        rig.turn()
        #expect(app.takeLines() == ["1 ok"])
        #expect(rig.subscribedNames == ["a", "b", "~p*"])
    }

    @Test func messagesComeAfterTheReplyAndNotBefore() {
        let app = rig.connect()
        app.write(.subscribe(["a", "b"], id: 1))
        rig.turn()
        rig.redis.executeSubscribe()
        rig.publishElsewhere("a", "early")
        rig.readSubscribeReply()
        rig.settle()
        rig.publishElsewhere("b", "late")
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "a: early", "b: late"])
    }

    /// A message on one name is older than the subscription while another name of the same request is not confirmed.
    @Test func messagesBeforeTheLastConfirmationAreNotDelivered() {
        let app = rig.connect()
        app.write(.subscribe(["a"], patterns: ["p*"], id: 1))
        rig.turn()
        rig.redis.executeSubscribe()
        rig.publishElsewhere("a", "early")
        rig.settle()
        #expect(app.takeLines() == ["1 ok"])
    }

    @Test func redisSeesOneSubscriptionForAllHolders() {
        let apps = (0..<5).map { _ in rig.connect() }
        for app in apps {
            app.write(.subscribe(["a"], id: 1))
            rig.settle()
        }
        #expect(rig.redis.commandSizes == [1])
        for app in apps.dropLast() { app.write(.unsubscribe(["a"], id: 2)) }
        rig.settle()
        #expect(rig.subscribedNames == ["a"])
        apps[4].write(.unsubscribe(["a"], id: 2))
        rig.settle()
        #expect(rig.subscribedNames == [] && rig.hub.nameCount == 0)
        for app in apps { #expect(app.takeLines() == ["1 ok", "2 ok"]) }
    }

    @Test func subscribingTwiceIsOneSubscription() {
        let app = rig.connect()
        app.write(.subscribe(["a", "a", "a"], id: 1), .subscribe(["a"], id: 2))
        rig.settle()
        app.write(.subscribe(["a", "a"], id: 3))
        rig.settle()
        #expect(rig.hub.subscriptionCount == 1)
        rig.publishElsewhere("a")
        rig.settle()
        app.write(.unsubscribe(["a"], id: 4))
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 ok", "3 ok", "a: hi", "4 ok"])
        #expect(rig.subscribedNames == [] && rig.hub.subscriptionCount == 0)
    }

    @Test func aChannelAndAPatternThatBothMatchBringItTwice() {
        let app = rig.connect()
        app.write(.subscribe(["ab"], patterns: ["a*", "*b"], id: 1))
        rig.settle()
        rig.publishElsewhere("ab")
        rig.settle()
        #expect(app.takeLines().sorted() == ["1 ok", "ab by *b: hi", "ab by a*: hi", "ab: hi"])
    }

    @Test func aNameAsChannelAndAsPatternIsTwoSubscriptions() {
        let app = rig.connect()
        app.write(.subscribe(["a"], patterns: ["a"], id: 1))
        rig.settle()
        #expect(rig.subscribedNames == ["a", "~a"] && rig.hub.subscriptionCount == 2)
        app.write(.unsubscribe(["a"], id: 2))
        rig.settle()
        #expect(rig.subscribedNames == ["~a"])
    }

    @Test func thePrefixIsLiteralInAPattern() {
        var options = HubRig.Options()
        options.prefix = "a*[b]?\\"
        let rig = HubRig(options)
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["x"], patterns: ["x?"], id: 1))
        rig.settle()
        rig.redis.publish(Array("a*[b]?\\x".utf8), [49])
        rig.redis.publish(Array("a*[b]?\\xy".utf8), [50])
        rig.redis.publish(Array("aZb?\\xy".utf8), [51])
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "x: 1", "xy by x?: 2"])
    }

    @Test func unsubscribingTakesEffectAtOnce() {
        let app = rig.connect()
        app.write(.subscribe(["a"], patterns: ["*"], id: 1))
        rig.settle()
        rig.publishElsewhere("a", "on its way")
        app.write(.unsubscribe(["a"], patterns: ["*"], id: 2))
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 ok"])
    }

    @Test func unsubscribingFromWhatIsNotHeldIsOK() {
        let app = rig.connect()
        app.write(.unsubscribe(["a", "a"], patterns: ["*"], id: 1), .unsubscribe(["a"], id: 0))
        rig.turn()
        #expect(app.takeLines() == ["1 ok"] && rig.redis.commandSizes == [])
    }

    @Test func withoutAnIDThereIsNoReply() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 0))
        rig.settle()
        rig.publishElsewhere("a")
        rig.settle()
        app.write(.unsubscribe(["a"], id: 0))
        rig.settle()
        #expect(app.takeLines() == ["a: hi"] && rig.subscribedNames == [])
    }

    @Test func whatIsWrongWithTheRequestIsInvalidAndHasNoEffect() {
        let app = rig.connect()
        let long = String(repeating: "n", count: 513)
        app.write(
            .subscribe(id: 1), .subscribe(["a", ""], id: 2), .subscribe(["a"], patterns: [""], id: 3),
            .subscribe(["a", long], id: 4), .subscribe(["__hubrelay:x"], id: 5),
            .subscribe(patterns: ["__hubrelay:*"], id: 6), .subscribe(["a"], id: 1 << 53), .unsubscribe(id: 8),
            .unsubscribe([""], id: 9), .unsubscribe(["a"], id: 1 << 53))
        rig.settle()
        let ids: [UInt64] = [1, 2, 3, 4, 5, 6, 1 << 53, 8, 9, 1 << 53]
        #expect(app.takeLines() == ids.map { "\($0) invalid" })
        #expect(rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0 && rig.subscribedNames == [])
    }

    @Test func namesMayHave512Bytes() {
        let app = rig.connect()
        let name = String(repeating: "ü", count: 256)
        app.write(.subscribe([name], patterns: [name], id: 1))
        rig.settle()
        rig.publishElsewhere(name)
        rig.settle()
        #expect(app.takeLines().count == 3)
    }
}
