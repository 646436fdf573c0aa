import RESP
import TestSupport
import Testing

@testable import RelayCore

/// Which answer on the publish link belongs to which command, and how large a payload the server takes.
@Suite struct PublishLinkTests {
    private let rig = HubRig()

    private var link: PublishLink { rig.redisNode(0).publishLink }

    /// The server repeats the argument of a PING, so that markers can be told apart.
    private func bringUpWithTokens() {
        rig.redis.repeatsTokens = true
        rig.answersGreeting = { $0.count == 2 && $0[0] == "PING" ? .bulk(Array($0[1].utf8)) : nil }
        rig.bringUp()
        rig.hub.now += 1_000_000_000
    }

    private var markersWritten: Int { rig.redis.publishCommands.count { $0[0] == Array("PING".utf8) } }

    private func isOutOfStep() -> Bool {
        !link.isEstablished && rig.path.status.cause == .protocolError
    }

    // MARK: Answers

    @Test(arguments: [RESP.RedisValue.status("OK"), .bulk(Array("1".utf8)), .nilValue, .array([])])
    func aPublishIsAnsweredByANumber(answer: RESP.RedisValue) {
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        rig.turn()
        rig.event { link.replied(answer) }
        rig.turn()
        #expect(isOutOfStep() && app.takeAnswers() == ["1 interrupted"])
    }

    @Test func aNumberAnswersNoPing() {
        rig.bringUp()
        rig.event { link.writePing() }
        rig.turn()
        rig.event { link.numberAnswered(rig.hub.publishAnswered(receivers: 1, by: rig.node)) }
        #expect(isOutOfStep())
    }

    @Test func aNumberForNothingEndsTheLink() {
        rig.bringUp()
        rig.event { link.numberAnswered(rig.hub.publishAnswered(receivers: 1, by: rig.node)) }
        #expect(isOutOfStep())
    }

    @Test func aMessageEndsTheLink() {
        rig.bringUp()
        rig.event { link.heardMessage() }
        #expect(isOutOfStep())
    }

    // MARK: Markers

    @Test func aMarkerHasItsOwnAnswer() {
        bringUpWithTokens()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        rig.turn()
        #expect(markersWritten == 1)
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"] && link.isEstablished)
    }

    @Test func theAnswerToAnotherMarkerMeansThatOneIsMissing() {
        bringUpWithTokens()
        rig.connect().write(.publish("a", "x", id: 1))
        rig.turn()
        rig.redis.executePublish()
        rig.readPublishReply()
        rig.event { link.replied(.bulk(PingToken.bytes(of: 2))) }
        #expect(isOutOfStep())
    }

    @Test func anErrorInPlaceOfItSaysNothing() {
        bringUpWithTokens()
        rig.redis.refusals["PING"] = "MISCONF Redis is configured to save RDB snapshots"
        rig.connect().write(.publish("a", "x", id: 1))
        rig.settle()
        #expect(link.isEstablished)
    }

    @Test func markersComeATenthOfASecondApartOrAfterAThousandCommands() {
        bringUpWithTokens()
        let app = rig.connect()
        for _ in 0..<10 {
            app.write(.publish("a", "x", id: 0))
            rig.turn()
        }
        #expect(markersWritten == 1)
        rig.settle()
        for _ in 0..<1100 { app.write(.publish("a", "x", id: 0)) }
        rig.turn()
        #expect(markersWritten == 1)
    }

    @Test func theLastAnswersAreProvenAlthoughNobodyPublishesAnyMore() {
        bringUpWithTokens()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        rig.turn()
        app.write(.publish("a", "x", id: 2))
        rig.turn()
        #expect(markersWritten == 1)
        rig.tick()
        #expect(markersWritten == 2)
    }

    // MARK: Congestion

    @Test func whatTheKernelHasNotTakenIsCongestion() {
        rig.bringUp()
        let app = rig.connect()
        rig.isNetworkSlow = true
        app.write(.publish("a", [UInt8](repeating: 0, count: 1 << 20), id: 1))
        rig.turn()
        app.write(.publish("a", "x", id: 2))
        #expect(rig.hub.isBlocked(app.connection))
        rig.transmit(rig.nodes[0].publishBacklog.count)
        rig.turn()
        #expect(!rig.hub.isBlocked(app.connection))
    }

    // MARK: How large a payload may be

    private let large = [UInt8](repeating: 0, count: 200 << 10)

    @Test func theServersSettingIsTheLimit() {
        rig.answersGreeting = { command in
            guard command[0] == "CONFIG", command[2] == "proto-max-bulk-len" else { return nil }
            return .array([.bulk(Array(command[2].utf8)), .bulk(Array("100000".utf8))])
        }
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", large, id: 1), .publish("a", "x", id: 2))
        rig.settle()
        #expect(app.takeAnswers().sorted() == ["1 invalid", "2 ok"])
    }

    @Test func aPayloadThatEndsTheLinkIsTriedAloneAndThenRefused() {
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", large, id: 1))
        rig.turn()
        rig.losePublishLink()
        // The next greeting ends with an equally large command, and the server ends the link again.
        var sizes: [Int] = []
        rig.answersGreeting = { command in
            guard command.count == 3, command[0] == "PING" else { return nil }
            sizes.append(command[1].utf8.count)
            return .error("ERR Protocol error: invalid bulk length")
        }
        rig.attempt(link)
        #expect(sizes.count == 1 && sizes[0] >= large.count && !link.isEstablished)
        rig.answersGreeting = { _ in nil }
        rig.openPublishLink()
        rig.settle()
        app.write(.publish("a", large, id: 2), .publish("a", "x", id: 3))
        rig.settle()
        #expect(app.takeAnswers().sorted() == ["1 interrupted", "2 invalid", "3 ok"])
    }

    @Test func anErrorOfTheProtocolIsOfThePayload() {
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", large, id: 1))
        rig.turn()
        rig.event { link.replied(.error("ERR Protocol error: invalid bulk length")) }
        #expect(!link.isEstablished)
        rig.openPublishLink()
        rig.settle()
        app.write(.publish("a", large, id: 2))
        rig.settle()
        #expect(app.takeAnswers() == ["1 refused", "2 invalid"])
    }
}
