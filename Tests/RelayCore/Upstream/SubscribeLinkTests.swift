import RESP
import TestSupport
import Testing

@testable import RelayCore

/// What is written on the subscribe link in one turn, and what happens on replies that are not answers.
@Suite struct SubscribeLinkTests {
    private let rig = HubRig()

    private var link: SubscribeLink { rig.redisNode(0).subscribeLink }

    /// An app holds `count` names, and the link is ready to restore them.
    private func beginRestore(_ count: Int, bytes: Int = 8) {
        rig.bringUp()
        let names = (0..<count).map { "\($0)" + String(repeating: "x", count: bytes - "\($0)".count) }
        rig.connect().write(.subscribe(names, id: 1))
        while rig.hub.subscriptions.count < count || !rig.redis.isIdle { rig.settle() }
        rig.loseSubscribeLink()
        rig.openSubscribeLink()
    }

    /// The number of names in each command of a turn, and whether another turn is to come at once.
    private func turn() -> (commands: [Int], goesOn: Bool) {
        let before = rig.redis.commandSizes.count
        var goesOn = false
        rig.witness = { if case .takeAnotherTurn = $0 { goesOn = true } }
        rig.turn()
        rig.witness = { _ in }
        return (Array(rig.redis.commandSizes.dropFirst(before)), goesOn)
    }

    @Test func aRestoreTakesTurns() {
        beginRestore(5000)
        let first = turn()
        #expect(first.commands == Array(repeating: 512, count: 8) && first.goesOn)
        let second = turn()
        #expect(second.commands == [512, 392] && !second.goesOn)
    }

    @Test func longNamesTakeMoreOfThem() {
        beginRestore(1500, bytes: 512)
        #expect(turn().commands == [512])
        #expect(turn().commands == [512])
    }

    @Test func whereRedisTakesNothingTheLoopSleeps() {
        beginRestore(1000)
        rig.nodes[0].takesCommands = false
        let held = turn()
        #expect(held.commands == [] && !held.goesOn)
    }

    @Test func whatALinkHadToSayIsNotSaidByTheNext() {
        rig.bringUp()
        var commands: [[String]] = []
        rig.answersGreeting = { command in
            commands.append(command)
            return nil
        }
        rig.event {
            link.writePing()
            link.fail(HubRig.failure)
        }
        rig.openSubscribeLink()
        #expect(commands.first?.first == "CLIENT" && rig.path.status.state == .up)
    }

    @Test func aConfirmationOfNothingEndsTheLink() {
        rig.bringUp()
        rig.event { lending("app:a") { link.confirmed(.subscribe, $0) } }
        #expect(!link.isEstablished && rig.path.status.cause == .protocolError)
    }

    @Test func anOddAnswerToNothingEndsTheLink() {
        rig.bringUp()
        rig.event { link.replied(.status("QUEUED")) }
        #expect(!link.isEstablished && rig.path.status.cause == .protocolError)
    }

    @Test func anOddAnswerToSubscribeRefusesTheName() {
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.turn()
        rig.event { link.replied(.status("QUEUED")) }
        rig.turn()
        #expect(app.takeLines() == ["1 refused [a]"] && link.isEstablished)
    }

    @Test(arguments: ["ERR unknown command 'SUBSCRIBE'", "ERR unsupported command"])
    func aServerThatDoesNotKnowSubscribeIsNotUsed(text: String) {
        rig.redis.ownChannelRefusal = text
        rig.openPublishLink()
        rig.attempt(link)
        rig.redis.executeOwn()
        rig.readSubscribeReply()
        #expect(!link.isEstablished && rig.path.status.reason.contains("SUBSCRIBE"))
    }
}
