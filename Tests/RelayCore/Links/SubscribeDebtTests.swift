import RESP
import TestSupport
import Testing

@testable import RelayCore

/// How many of the commands on a subscribe link Redis has answered.
@Suite struct SubscribeDebtTests {
    private let rig = HubRig()
    private var debt: LinkDebt { rig.node.subscribeDebt }

    init() { rig.bringUp() }

    @Test func everyNameIsAnAnswerAndTheLastOneEndsTheCommand() {
        let before = debt
        #expect(!before.isOwed)
        rig.connect().write(.subscribe(["a", "b", "c"], id: 1))
        rig.flushSubscribes()
        rig.node.sentPing()
        #expect(debt.asked == before.asked + 2 && debt.answered == before.answered && !rig.node.isPongDue)
        for name in ["a", "b", "c"] {
            let answers = debt.answers
            _ = lending("app:" + name) { rig.hub.confirmed(.subscribe, redisName: $0, by: rig.node) }
            #expect(debt.answers > answers)
        }
        #expect(debt.answered == before.answered + 1 && debt.isOwed && rig.node.isPongDue)
        _ = rig.hub.pongReceived(from: rig.node)
        #expect(!debt.isOwed)
    }

    @Test func whatALinkOwedIsNotOwedByTheNext() {
        rig.connect().write(.subscribe(["a"], id: 1))
        rig.flushSubscribes()
        let asked = debt.asked
        #expect(debt.isOwed)
        rig.loseSubscribeLink()
        #expect(!debt.isOwed && debt.asked == asked)
    }
}
