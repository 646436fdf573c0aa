import TestSupport
import Testing

@testable import RelayCore

/// Rule 9: an app that has shut down its write side gets what it is owed, and then the relay closes the connection.
@Suite struct HubHalfCloseTests {
    @Test func owedRepliesAreSentBeforeTheEnd() {
        let rig = HubRig()
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1), .subscribe(["b"], id: 2), .ping(id: 3))
        app.shutDown()
        rig.turn()
        #expect(app.ending == nil)
        rig.settle()
        #expect(app.takeLines().sorted() == ["1 ok", "2 ok", "3 ok"])
        #expect(app.ending == .peace)
    }

    @Test func aRequestAloneIsOwedItsReply() {
        let rig = HubRig()
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["b"], id: 1))
        app.shutDown()
        rig.settle()
        #expect(app.takeLines() == ["1 ok"] && app.ending == .peace && rig.hub.nameCount == 0)
    }

    @Test func changesOfStateAreToldUntilTheEnd() {
        let rig = HubRig()
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        app.shutDown()
        rig.loseSubscribeLink()
        rig.settle()
        #expect(app.takeLines() == ["status degraded", "1 ok"] && app.ending == .peace)
    }

    @Test func nothingOwedEndsAtOnce() {
        let rig = HubRig()
        let app = rig.connect()
        app.write(HubrelayClientFrame.ping(id: 1).bytes + [0, 0, 0, 9, 1])  // and half a frame
        app.shutDown()
        rig.turn()
        #expect(app.takeLines() == ["1 ok"] && app.ending == .peace)
        let silent = rig.connect(hello: false)
        silent.shutDown()
        rig.turn()
        #expect(silent.takeLines() == [] && silent.ending == .peace)
    }

    @Test func outagesAnswerWhatIsOwed() {
        let rig = HubRig()
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1), .subscribe(["a"], id: 2))
        app.shutDown()
        rig.turn()
        rig.loseBothLinks()
        rig.turn()
        #expect(app.takeAnswers() == ["2 pending", "1 interrupted"] && app.ending == .peace)
        app.close()
        rig.bringUp()
        #expect(rig.hub.nameCount == 0 && rig.redis.subscribed.isEmpty)
    }

    @Test func messagesComeUntilTheEnd() {
        let rig = HubRig()
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        app.write(.publish("b", "x", id: 2))
        app.shutDown()
        rig.turn()
        rig.publishElsewhere("a")
        rig.readSubscribeReply()
        rig.settle()
        rig.publishElsewhere("a")
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "a: hi", "2 ok"] && app.ending == .peace)
    }

    /// The relay also waits for publishes without an id, since they may lead to a Loss.
    @Test func theEndComesOnceWhenEverythingIsAnswered() {
        let rig = HubRig()
        rig.bringUp()
        let app = rig.connect()
        rig.redis.refusesPublishes = true
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 0), .publish("a", "x", id: 0))
        app.shutDown()
        rig.turn()
        for _ in 0..<3 {
            #expect(app.ending == nil)
            rig.redis.executePublish()
            rig.readPublishReply()
            rig.turn()
        }
        #expect(app.ending == .peace && rig.endings == 1)
        #expect(app.takeLines() == ["1 refused", "loss of 1 publishes, refused", "loss of 1 publishes, refused"])
    }

    /// Whole frames that had to wait are served, although the app has shut down its write side meanwhile.
    @Test func framesThatWaitedAreServedBeforeTheEnd() {
        let rig = HubRig()
        rig.bringUp()
        let app = rig.connect()
        rig.takesPublishes = false
        app.write(.publish("a", [UInt8](repeating: 0, count: 1 << 20), id: 1), .publish("a", "x", id: 2), .ping(id: 3))
        app.shutDown()
        rig.turn()
        #expect(app.ending == nil && rig.hub.isBlocked(app.connection))
        rig.takesPublishes = true
        rig.settle()
        rig.settle()
        #expect(app.takeLines() == ["3 ok", "1 ok", "2 ok"] && app.ending == .peace)
    }
}
