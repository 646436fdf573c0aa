import TestSupport
import Testing

/// The master is replaced while apps publish and hold many channels.
@Suite struct FailoverUnderLoadTests {
    @Test func nothingIsLostUntoldWhenTheMasterIsKilled() throws {
        try withSentinels { scene, relay in
            try expectOneOutage(scene, relay, causes: [.closed], leastUnsent: 1) { scene.nodes[0].stop() }
        }
    }

    @Test func nothingIsLostUntoldWhenTheMasterIsStopped() throws {
        try withSentinels(options: ["--link-timeout", "20s"]) { scene, relay in
            try expectOneOutage(scene, relay, causes: [.demoted], leastInterrupted: 1) { scene.nodes[0].freeze() }
            // The old master now reads what it was sent. Its answers reach nobody any more.
            let client = try relay.client()
            let before = client.status
            scene.nodes[0].thaw()
            try eventually("the old master is a replica of the new one") { scene.nodes[0].role() == "slave" }
            #expect(try client.nextIfAny(within: 0) == nil)
            #expect(try relay.client().status == before)
        }
    }

    @Test func nothingIsLostUntoldInAPlannedFailover() throws {
        try withSentinels { scene, relay in
            try expectOneOutage(scene, relay, causes: [.demoted, .closed]) { try scene.failOver() }
        }
    }

    /// Breaks the master while three connections publish, and continues until a little after UP is reported again.
    private func expectOneOutage(
        _ scene: SentinelScene, _ relay: RelayProcess, causes: Set<HubrelayCause>, leastInterrupted: Int = 0,
        leastUnsent: Int = 0,
        breaking: () throws -> Void
    ) throws {
        let holder = try relay.client()
        let names = (0..<1000).map { "held.\($0)" }
        let request = HubrelayClientFrame.subscribe(names, patterns: ["held.*"], id: 1)
        #expect(try holder.request(request, id: 1).outcome == .ok)
        let ledgers = try (0..<3).map { PublishLedger(try relay.client(), channel: "burst.\($0)") }
        try burst(ledgers, within: 1) { ledgers[0].sent > 100 }
        try breaking()
        try burst(ledgers, within: 30) { ledgers[0].states.last == .up }

        // Now all names are at the new master.
        let master = try scene.master()
        let plain = try scene.nodes[master].client()
        #expect(master != 0)
        #expect(try plain.subscribers(ofEach: names.map { "t:" + $0 }).allSatisfy { $0 == 1 })
        #expect(try plain.patterns() == 1)
        for ledger in ledgers {
            if ledger.states.last != .up { try ledger.read(until: .up) }
            try ledger.send(100)
            try ledger.settle()
            #expect(ledger.faults.isEmpty)
            #expect(ledger.states.contains(.down) && ledger.states.filter { $0 == .up }.count == 1)
            #expect(ledger.client.status.outages == 1 && ledger.client.status.gaps == 1)
            #expect(ledger.count(of: .ok) >= 100)
            #expect(ledger.count(of: .interrupted) >= leastInterrupted)
            #expect(ledger.count(of: .notConnected) >= leastUnsent)
        }
        let down = try holder.collect(untilState: .up).filter { $0.status.state == .down }
        #expect(!down.isEmpty && down.allSatisfy { causes.contains($0.status.cause) }, "\(down.map(\.summary))")
        #expect(try holder.publish("held.999", "x").receivers == 2, "the channel's, and the pattern's")
    }

    /// Publishes steadily until `isOver`. Publishes less when answers are missing, since this does not wait for them.
    private func burst(_ ledgers: [PublishLedger], within seconds: Double, until isOver: () -> Bool) throws {
        let deadline = TestDeadline(within: seconds)
        while !isOver() {
            if deadline.isOver { throw TestFailure("not over, after the states \(ledgers[0].states)") }
            for ledger in ledgers {
                if ledger.sent - UInt64(ledger.outcomes.count) < 200 { try ledger.send(5) }
                try ledger.read(for: 0.003)
            }
        }
    }
}
