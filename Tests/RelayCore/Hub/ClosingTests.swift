import TestSupport
import Testing

@testable import RelayCore

/// Rule 9: connections that end at any moment, and what they leave behind.
@Suite struct HubClosingTests {
    private func isEmpty(_ rig: HubRig) -> Bool {
        rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0 && rig.redis.subscribed.isEmpty
            && rig.hub.connectionCount == 0
    }

    /// The steps of one connection with Redis, cut off after each step.
    @Test func aConnectionMayCloseAtAnyMoment() {
        let story: [(HubRig, App) -> Void] = [
            { $1.write(.subscribe(["a", "b"], patterns: ["p*"], id: 1)) }, { rig, _ in rig.turn() },
            { rig, _ in rig.redis.executeSubscribe() }, { rig, _ in rig.readSubscribeReply() },
            { rig, _ in rig.redis.executeSubscribe() }, { rig, _ in rig.readSubscribeReply() },
            { $1.write(.unsubscribe(["b", "c"], id: 2)) }, { rig, _ in rig.readSubscribeReply() },
            { $1.write(.subscribe(["c"], id: 3)) }, { $1.write(.unsubscribe(["a", "c"], id: 4)) },
            { rig, _ in rig.turn() }, { $1.write(.subscribe(["a", "b"], id: 5)) }, { rig, _ in rig.turn() },
            { rig, _ in rig.redis.executeSubscribe() }, { rig, _ in rig.readSubscribeReply() },
            { rig, _ in rig.loseSubscribeLink() }, { $1.write(.subscribe(["d"], id: 6)) },
            { rig, _ in rig.openSubscribeLink() }, { $1.write(.subscribe(["e"], id: 7)) },
            { $1.write(.unsubscribe(["a", "e"], id: 8)) }, { rig, _ in rig.turn() },
            { rig, _ in rig.redis.executeSubscribe() }, { rig, _ in rig.readSubscribeReply() },
        ]
        for length in 0...story.count {
            for closesInEnd in [false, true] {
                let rig = HubRig()
                rig.bringUp()
                let app = rig.connect()
                for step in story[..<length] { step(rig, app) }
                if closesInEnd { rig.turn() }
                app.close()
                if !rig.isSubscribeLinkUp(0) { rig.openSubscribeLink() }
                rig.settle()
                #expect(isEmpty(rig), "after \(length) steps: \(rig.subscribedNames)")
            }
        }
    }

    @Test func aNameOfAClosedConnectionIsFreeForTheNext() {
        let rig = HubRig()
        rig.bringUp()
        for round in 0..<5 {
            let app = rig.connect()
            app.write(.subscribe(["a"], id: 1))
            for _ in 0..<round { rig.turn() }
            app.close()
            let next = rig.connect()
            next.write(.subscribe(["a"], id: 2))
            rig.settle()
            #expect(next.takeLines() == ["2 ok"])
            rig.publishElsewhere("a")
            rig.settle()
            #expect(next.takeLines() == ["a: hi"])
            next.close()
            rig.settle()
            #expect(isEmpty(rig))
        }
    }

    @Test func requestsOfOthersOnTheSameNameGoOn() {
        let rig = HubRig()
        rig.bringUp()
        let (one, other) = (rig.connect(), rig.connect())
        one.write(.subscribe(["a"], id: 1))
        other.write(.subscribe(["a"], id: 1))
        one.close()
        rig.settle()
        #expect(other.takeLines() == ["1 ok"] && rig.subscribedNames == ["a"])
    }

    /// Connections that subscribe and close at once, again and again, leave nothing behind, even before Redis knows.
    @Test func askingAndGoingCostsNothing() throws {
        let rig = HubRig()
        rig.bringUp()
        for _ in 0..<1000 {
            let app = rig.connect()
            app.write(.subscribe(["a", "b"], patterns: ["p"], id: 1), .unsubscribe(["a"], id: 2))
            app.close()
            rig.turn()
        }
        let nodes = try #require(
            Mirror(reflecting: rig.hub.subscriptions).descendant("waiters", "nodes") as? any Collection)
        #expect(nodes.count < 10 && isEmpty(rig))
    }

    /// A client may read the rest of a closed connection for a while, but all of these rests together are bounded.
    @Test func closedOnesThatHaveMostUnreadAreLostPastTheBound() {
        var options = HubRig.Options()
        options.maxBuffered = 10_000
        let rig = HubRig(options)
        rig.bringUp()
        let reader = rig.connect()
        let apps = (0..<20).map { _ in rig.connect() }
        rig.settle()
        for app in apps {
            _ = app.takeFrames()
            app.stopsReading = true
        }
        for round in 0..<10 {
            for (number, app) in apps.enumerated() where !app.isEnded {
                app.write((0..<40 + number).flatMap { _ in HubrelayClientFrame.ping(id: 1 << 50).bytes })
            }
            // What this turn writes counts only in the next one.
            rig.turn()
            rig.turn()
            let unread = apps.filter { !$0.isClosed && $0.ending != nil }.reduce(0) { $0 + $1.backlog }
            #expect(unread <= 10_000 + 200 * apps.count, "round \(round); the Errors are in it")
        }
        #expect(apps.filter { $0.ending == .error(.tooMany) }.count > apps.count / 2)
        #expect(apps.contains { $0.isClosed } && apps.contains { $0.ending != nil && !$0.isClosed })
        reader.write(.ping(id: 1))
        rig.settle()
        #expect(reader.takeLines() == ["1 ok"])
        for app in apps { app.close() }
        reader.close()
        rig.settle()
        #expect(isEmpty(rig) && rig.hub.outboxes.buffered == 0)
    }
}
