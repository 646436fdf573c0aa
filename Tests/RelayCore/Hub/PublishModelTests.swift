import TestSupport
import Testing

@testable import RelayCore

/// Random publishes, with and without ids, over a link that is slow, refuses and fails. A ledger has all of them.
@Suite struct PublishModelTests {
    private struct Sent {
        var channel: String
        var id: UInt64
        var outcome: HubrelayOutcome?
    }

    /// A connection and its publishes. A payload names the place of its publish in `sent`.
    private final class Client {
        let app: App
        var sent: [Sent] = []
        var lastID: UInt64 = 0
        var lost: UInt64 = 0
        var unknown: UInt64 = 0
        init(_ app: App) { self.app = app }

        func publish(_ channel: String, withID: Bool, number: Int) {
            if withID { lastID += 1 }
            let id = withID ? lastID : 0
            app.write(.publish(channel, "\(number) \(sent.count)", id: id))
            sent.append(Sent(channel: channel, id: id))
        }

        func look() throws {
            for frame in app.takeFrames() {
                switch frame.frame {
                case .reply(let reply):
                    let place = try #require(sent.firstIndex { $0.id == reply.id && $0.outcome == nil })
                    sent[place].outcome = reply.outcome
                case .loss(let loss):
                    lost += loss.publishes
                    unknown += loss.publishesUnknown
                    try #require(loss.messages == 0 && (loss.publishes == 0) != (loss.publishesUnknown == 0))
                default: break
                }
            }
        }
    }

    @Test(arguments: seeds(12))
    func everyPublishHasOneEnd(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let rig = HubRig()
        let clients = (0..<4).map { _ in Client(rig.connect()) }
        for _ in 0..<1500 {
            step(rig, clients, &random)
            for client in clients { try client.look() }
        }
        (rig.isNetworkSlow, rig.redis.refusesPublishes) = (false, false)
        rig.transmit(rig.nodes[0].publishBacklog.count)
        rig.bringUp()
        for _ in 0..<12 {
            rig.settle()
            rig.hub.now += 1_000_000_000
        }
        for (number, client) in clients.enumerated() { try check(client, number, rig) }
    }

    private func step(_ rig: HubRig, _ clients: [Client], _ random: inout SeededGenerator) {
        let number = random.int(0...3)
        switch random.int(0...29) {
        case 0...13: clients[number].publish("c\(random.int(0...1))", withID: !random.oneIn(3), number: number)
        case 14...17: rig.turn()
        case 18...19: rig.transmit(random.int(0...150))
        case 20...23: rig.redis.executePublish()
        case 24...26: rig.readPublishReply()
        case 27: rig.isNetworkSlow = random.oneIn(2)
        case 28:
            rig.redis.refusesPublishes = random.oneIn(3)
            rig.hub.now += UInt64(random.int(0...800)) * 1_000_000
        default:
            if !rig.isPublishLinkUp(0) { rig.openPublishLink() } else if random.oneIn(3) { rig.losePublishLink() }
        }
    }

    private func check(_ client: Client, _ number: Int, _ rig: HubRig) throws {
        try client.look()
        // What Redis carried out for this connection, by channel: places in `sent`, in the order of the commands.
        var carriedOut: [String: [Int]] = [:]
        for (channel, payload) in rig.redis.published {
            let words = String(decoding: payload, as: UTF8.self).split(separator: " ")
            guard words[0] == "\(number)" else { continue }
            carriedOut[String(decoding: channel.dropFirst(4), as: UTF8.self), default: []].append(Int(words[1])!)
        }
        for (channel, places) in carriedOut {
            #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 }, "in the order written, and once")
            for place in places { #expect(client.sent[place].channel == channel) }
        }
        let done = Set(carriedOut.values.joined())
        for (place, sent) in client.sent.enumerated() where sent.id != 0 {
            switch sent.outcome {
            case .ok: #expect(done.contains(place))
            case .notConnected, .refused: #expect(!done.contains(place), "certainly not delivered")
            case .interrupted: break
            default: Issue.record("\(place): \(sent.outcome.map { "\($0)" } ?? "no outcome")")
            }
        }
        let unacknowledged = client.sent.indices.filter { client.sent[$0].id == 0 }
        let taken = UInt64(unacknowledged.count { done.contains($0) })
        let sent = UInt64(unacknowledged.count)
        #expect(taken + client.lost <= sent && taken + client.lost + client.unknown >= sent)
    }
}
