import Testing

@testable import RelayCore

/// Thousands of random operations of several connections. Meanwhile links are lost, names are refused, and Redis
/// answers slowly or quickly.
@Suite struct SubscriptionModelTests {
    private static let names = (0..<9).map { "c\($0)" } + ["~c*", "~c?", "~*3", "~x"]

    /// Takes seconds: random steps for each seed, and all books are checked after each.
    @Test(arguments: seeds(12))
    func whateverHappensTheBooksBalance(seed: UInt64) throws {
        try run(seed, HubRig.Options(), steps: 1500, isForbidding: true)
    }

    @Test(arguments: seeds(6))
    func inSmallBatches(seed: UInt64) throws {
        var options = HubRig.Options()
        options.restoreBatch = 2
        try run(seed &+ 1000, options, steps: 1000, isForbidding: true)
    }

    @Test(arguments: seeds(6))
    func withLimits(seed: UInt64) throws {
        var options = HubRig.Options()
        (options.maxSubscriptions, options.maxSubscriptionsPerConnection) = (15, 6)
        let model = try run(seed &+ 2000, options, steps: 1000, isForbidding: false)
        #expect(model.rig.hub.subscriptionCount <= 15)
    }

    @discardableResult
    private func run(
        _ seed: UInt64, _ options: HubRig.Options, steps: Int, isForbidding: Bool
    ) throws -> SubscriptionModel {
        var random = SeededGenerator(seed: seed)
        let model = SubscriptionModel(options)
        if random.oneIn(2) { model.rig.bringUp() } else { model.rig.openPublishLink() }
        for number in 1...steps {
            step(model, isForbidding, &random)
            if number % 4 == 0 { model.look() }
            try #require(model.faults.isEmpty, "step \(number)")
            guard number % 250 == 0 else { continue }
            model.forbid([])
            model.settle()
            try #require(model.faults.isEmpty, "at rest after step \(number)")
        }
        #expect(model.activity.answered > steps / 10 && model.activity.delivered > 0)
        for client in model.clients { model.close(client) }
        model.settle()
        let hub = model.rig.hub
        #expect(model.faults.isEmpty && hub.nameCount == 0 && hub.subscriptionCount == 0 && hub.connectionCount == 0)
        return model
    }

    private func step(_ model: SubscriptionModel, _ isForbidding: Bool, _ random: inout SeededGenerator) {
        let rig = model.rig
        switch random.int(0...99) {
        case 0...5: if model.clients.count < 6 { model.connect() }
        case 6: if let client = model.clients.randomElement(using: &random) { model.close(client) }
        case 7: if let client = model.clients.randomElement(using: &random) { model.shutDown(client) }
        case 8...39:
            guard let client = model.clients.randomElement(using: &random) else { return }
            var names = (0..<random.int(1...5)).map { _ in random.pick(Self.names) }
            if random.oneIn(20) { names.append("") }
            model.request(client, isSubscribe: !random.oneIn(3), names)
        case 40...54: rig.turn()
        case 55...69: for _ in 0..<random.int(1...3) { rig.redis.executeSubscribe() }
        case 70...84: for _ in 0..<random.int(1...6) { model.readReply() }
        case 85...92: rig.publishElsewhere("c\(random.int(0...9))")
        case 93: if rig.isSubscribeLinkUp(0) { rig.loseSubscribeLink() }
        case 94...95:
            model.look()
            if !rig.isSubscribeLinkUp(0) { rig.openSubscribeLink() }
        case 96:
            guard rig.isSubscribeLinkUp(0) else { return }
            rig.node.sentPing()
            rig.redis.receiveSubscriberPing()
        default: if isForbidding { forbid(model, &random) }
        }
    }

    private func forbid(_ model: SubscriptionModel, _ random: inout SeededGenerator) {
        let names = (0..<random.int(0...3)).map { _ in random.pick(Self.names) }
        model.forbid(
            Set(
                names.map {
                    $0.hasPrefix("~")
                        ? model.rig.redisName(String($0.dropFirst()), isPattern: true) : model.rig.redisName($0)
                }))
    }
}
