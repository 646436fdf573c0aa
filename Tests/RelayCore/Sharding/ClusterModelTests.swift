import TestSupport
import Testing

@testable import RelayCore

/// Thousands of random steps in a cluster whose members know different things.
@Suite struct ClusterModelTests {
    private typealias Model = ClusterModel

    /// Takes seconds: 1,200 random steps for each of eight seeds, and all books are checked after each.
    @Test(arguments: seeds(8))
    func whateverMovesEverythingSettles(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let model = ClusterModel()
        if random.oneIn(2) { model.rig.bringUp() }
        for number in 1...1200 {
            step(model, &random)
            model.noteGaps()
            if number % 4 == 0 { model.look() }
            try #require(model.faults.isEmpty && model.rig.booksAreRight, "step \(number)")
            guard number % 200 == 0 else { continue }
            model.settle()
            try #require(model.faults.isEmpty, "at rest after step \(number)")
        }
        let happened = model.counts
        for what in ["ok", "pending", "message", "gap", "publish ok", "publish notConnected"] {
            #expect(happened[what, default: 0] > 0, "\(what) never happened")
        }
        for client in model.clients { model.close(client) }
        model.settle()
        let hub = model.rig.hub
        #expect(model.faults.isEmpty && hub.nameCount == 0 && hub.subscriptionCount == 0 && hub.connectionCount == 0)
    }

    private func step(_ model: ClusterModel, _ random: inout SeededGenerator) {
        let rig = model.rig
        let number = random.int(0...2)
        let node = rig.nodes[number]
        switch random.int(0...99) {
        case 0...34: stepOfAnApp(model, &random)
        case 35...46: rig.turn()
        case 47...56: for _ in 0..<random.int(1...3) { node.redis.executeSubscribe() }
        case 57...68: for _ in 0..<random.int(1...4) { model.readReply(number) }
        case 69...72:
            node.redis.executePublish()
            rig.readPublishReply(number)
        case 73...80: model.publishElsewhere(random.pick(Model.names))
        case 81...93: stepOfTheCluster(model, &random)
        case 94...96: stepOfALink(model, number, &random)
        case 97: rig.tick()
        default: model.forbid((0..<random.int(0...6)).map { _ in random.pick(Model.names) })
        }
    }

    private func stepOfAnApp(_ model: ClusterModel, _ random: inout SeededGenerator) {
        guard let client = model.clients.randomElement(using: &random) else { return model.connect() }
        switch random.int(0...39) {
        case 0...4: if model.clients.count < 5 { model.connect() }
        case 5: model.close(client)
        case 6: model.shutDown(client)
        case 7...11: model.publish(client, random.pick(Model.names))
        default:
            let names = (0..<random.int(1...5)).map { _ in random.pick(Model.names) }
            model.request(client, isSubscribe: !random.oneIn(3), names)
        }
    }

    private func stepOfTheCluster(_ model: ClusterModel, _ random: inout SeededGenerator) {
        let tag = random.pick(Model.tags)
        switch random.int(0...9) {
        case 0...2: model.move(tag, to: random.oneIn(6) ? nil : random.int(0...2))
        case 3...6: model.inform(random.int(0...2), of: tag)
        case 7...8: model.see(Model.tags.filter { _ in random.oneIn(2) })
        default: model.rig.nodes[random.int(0...2)].takesCommands.toggle()
        }
    }

    private func stepOfALink(_ model: ClusterModel, _ number: Int, _ random: inout SeededGenerator) {
        let rig = model.rig
        switch (random.oneIn(3), rig.isPublishLinkUp(number), rig.isSubscribeLinkUp(number)) {
        case (true, true, _): rig.losePublishLink(number)
        case (true, false, _): rig.openPublishLink(number)
        case (false, _, true): if random.oneIn(3) { rig.loseSubscribeLink(number) }
        case (false, _, false): rig.openSubscribeLink(number)
        }
    }
}
