import TestSupport
import Testing

@testable import RelayCore

/// Publishes by SPUBLISH: each goes to the node of its slot, or nowhere.
@Suite struct SlotPublishTests {
    private let rig = HubRig.cluster(["a"], ["b"])
    private let app: App

    init() {
        app = rig.connect()
        rig.bringUp()
        _ = app.takeFrames()
    }

    @Test func aSlotThatNobodyHasIsNotConnected() {
        rig.see(["a"], at: nil)
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 0), .publish("b", "x", id: 2))
        rig.settle()
        #expect(app.takeAnswers() == ["1 notConnected", "loss of 1 publishes, topology", "2 ok"])
        #expect(rig.hub.counters.publishesLost[.topology] == 1 && rig.hub.counters.publishes[.notConnected] == 1)
        #expect(rig.hub.nodes[Int(Hub.nowhere)].publishes.inFlight == 0)
    }

    @Test func aNodeThatIsAwayIsATopologyLossToo() {
        rig.losePublishLink(1)
        rig.turn()
        _ = app.takeFrames()
        app.write(.publish("b", "x", id: 0))
        rig.turn()
        #expect(app.takeAnswers() == ["loss of 1 publishes, topology"])
    }

    @Test func whatANodeSendsElsewhereIsNotConnectedAndTheNextGoesThere() {
        rig.give(["a"], to: 1)
        app.write(.publish("a", "1", id: 1), .publish("a", "2", id: 0), .publish("b", "3", id: 2))
        rig.settle()
        let answers = app.takeAnswers()
        #expect(Set(answers) == ["1 notConnected", "loss of 1 publishes, topology", "2 ok"])
        app.write(.publish("a", "4", id: 3))
        rig.settle()
        #expect(app.takeAnswers() == ["3 ok"])
        #expect(rig.redis.published.isEmpty)
        #expect(rig.nodes[1].redis.published.map { String(decoding: $0.payload, as: UTF8.self) } == ["3", "4"])
        #expect(rig.hub.counters.publishes[.refused] == 0)
    }

    @Test(arguments: ["MOVED 1 h:1", "ASK 1 h:1", "CLUSTERDOWN Hash slot not served", "TRYAGAIN x"])
    func anyErrorOfTheClusterIsNotConnected(text: String) {
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 2))
        rig.turn()
        let isOurs: Bool
        if case .app? = rig.hub.publishRefused(
            text, isMisplaced: Redirection.isOfTheCluster(text), by: rig.hubNode(0))
        {
            isOurs = true
        } else {
            isOurs = false
        }
        _ = rig.hub.publishRefused("NOPERM no", by: rig.hubNode(0))
        rig.turn()
        #expect(isOurs && app.takeAnswers() == ["1 notConnected", "2 refused"])
    }

    /// The relay's own question about the cluster is not confused with publishes, whatever the answer is.
    @Test func theQuestionAboutTheClusterIsTheRelaysOwn() {
        app.write(.publish("a", "x", id: 1))
        let isAsked = lending("CLUSTER INFO") { rig.hub.send($0, as: .clusterInfo, to: rig.hubNode(0)) }
        #expect(isAsked && rig.hubNode(0).publishes.inFlight == 2 && rig.hubNode(0).publishes.publishesInFlight == 1)
        #expect(rig.hubNode(0).publishes.isNumberDue)
        guard case .app? = rig.hub.publishAnswered(receivers: 0, by: rig.hubNode(0)) else {
            Issue.record("the publish")
            return
        }
        #expect(!rig.hubNode(0).publishes.isNumberDue)
        guard case .clusterInfo = rig.hub.publishRefused("", by: rig.hubNode(0)) else {
            Issue.record("the question")
            return
        }
        #expect(rig.hub.publishRefused("", by: rig.hubNode(0)) == nil)
        _ = lending("CLUSTER INFO") { rig.hub.send($0, as: .clusterInfo, to: rig.hubNode(0)) }
        guard case .clusterInfo = rig.hub.publishAnswered(receivers: 1, by: rig.hubNode(0)) else {
            Issue.record("the question, answered with a number")
            return
        }
        rig.turn()
        #expect(app.takeAnswers() == ["1 ok"])
    }
}
