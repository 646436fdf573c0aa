import TestSupport
import Testing

@testable import RelayCore

/// A master becomes a replica while publishes are on their way to it. It still takes them, and passes them on.
/// Publishes that go directly to its successor must not overtake them.
@Suite struct PlannedFailoverTests {
    private let rig = HubRig.cluster(["a"], ["b"], ["c"])
    private let app: App

    init() {
        rig.bringUp()
        app = rig.connect()
    }

    /// Two publishes are in flight at the second node when the third one has its slots.
    private func failOverInFlight() {
        app.write(.publish("b", "1", id: 1), .publish("b", "2", id: 2))
        rig.turn()
        rig.failOver(1, to: 2)
        app.write(.publish("b", "3", id: 3))
        rig.turn()
    }

    private func published(_ number: Int) -> [String] {
        rig.nodes[number].redis.published.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    @Test func whatTheFormerMasterPassesOnIsNotOvertaken() {
        failOverInFlight()
        for _ in 0..<2 { rig.settle() }
        #expect(app.takeAnswers() == ["1 ok", "2 ok"] && published(1) == ["1", "2"])
        #expect(published(2) == [] && rig.hub.isBlocked(app.connection), "it is on its way for a while")
        rig.fire(.succession)
        for _ in 0..<2 { rig.settle() }
        #expect(app.takeAnswers() == ["3 ok"] && published(2) == ["3"])
    }

    @Test func alsoWhenAllIsAnsweredBefore() {
        app.write(.publish("b", "1", id: 1))
        rig.settle()
        rig.failOver(1, to: 2)
        app.write(.publish("b", "2", id: 2))
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"] && rig.hub.isBlocked(app.connection))
        rig.fire(.succession)
        for _ in 0..<2 { rig.settle() }
        #expect(app.takeAnswers() == ["2 ok"])
    }

    @Test func whoPublishesElsewhereDoesNotWait() {
        failOverInFlight()
        let other = rig.connect()
        other.write(.publish("a", "4", id: 1))
        rig.settle()
        #expect(other.takeAnswers() == ["1 ok"])
    }

    @Test func aMasterThatIsDeadPassesNothingOn() {
        rig.losePublishLink(1)
        rig.failOver(1, to: 2)
        app.write(.publish("b", "1", id: 1))
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"] && published(2) == ["1"] && rig.timers.isEmpty)
    }

    @Test func aNodeThatOwesNothingIsLetGoAtOnce() {
        rig.failOver(1, to: 2)
        #expect(rig.upstream.cluster!.leaving.isEmpty && !rig.isPublishLinkUp(1) && !rig.isSubscribeLinkUp(1))
    }

    @Test func aNodeThatDoesNotPayIsLetGoAfterASecond() {
        failOverInFlight()
        for _ in 0..<3 { rig.tick() }
        #expect(app.takeAnswers() == [] && rig.upstream.cluster!.leaving.count == 1)
        for _ in 0..<2 { rig.tick() }
        #expect(app.takeAnswers() == ["1 interrupted", "2 interrupted"] && rig.upstream.cluster!.leaving.isEmpty)
        rig.fire(.succession)
        for _ in 0..<2 { rig.settle() }
        #expect(app.takeAnswers() == ["3 ok"])
    }

    @Test func whatWasGatheredBeforeItIsWritten() {
        app.write(.publish("b", "1", id: 1))
        rig.failOver(1, to: 2)
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"] && published(1) == ["1"])
    }

    @Test func gapsOfANodeThatHasGoneStayCounted() {
        rig.loseSubscribeLink(1)
        rig.openSubscribeLink(1)
        rig.settle()
        #expect(rig.path.status.gaps == 1)
        rig.failOver(1, to: 2)
        rig.settle()
        #expect(rig.path.status.gaps == 1)
    }

    @Test func whoeverTakesItsPlaceHasNobodyToWaitFor() {
        rig.failOver(1, to: 2)
        let index = rig.hubNode(2).index
        rig.failOver(2, to: 0)
        #expect(rig.upstream.cluster!.leaving.isEmpty)
        let vacant = rig.hub.nodes[index]
        #expect(!vacant.isHeldBack)
    }
}
