import TestSupport
import Testing

/// While subscriptions are being restored, the subscribe link breaks again, or apps unsubscribe.
@Suite struct InterruptedRestoreTests {
    /// The names are so long that Redis reads the restore in many pieces, and serves other clients in between.
    private static let names = (0..<1000).map { "\($0)." + String(repeating: "n", count: 480) }
    /// One more than the apps hold: the probe's own channel.
    private static let all = names.count + 1

    private func withNamesHeld(_ body: (RelayProcess, RedisServer, TestConnection) throws -> Void) throws {
        try withRelay(options: ["--restore-batch", "1"]) { relay, redis in
            let client = try relay.client()
            #expect(try client.request(.subscribe(Self.names, id: 1), id: 1).outcome == .ok)
            #expect(try redis.client().channelsOfSubscribers() == [Self.all])
            try body(relay, redis, client)
        }
    }

    /// Waits until Redis has received the first names of a restore.
    private func waitForRestore(_ plain: RedisClient) throws {
        let deadline = TestDeadline()
        while try (plain.channelsOfSubscribers().first ?? 0) < 2 {
            if deadline.isOver { throw TestFailure("no restore has begun") }
        }
    }

    /// Lets restores begin until an attempt falls into the middle of one. No client of Redis can make sure of that.
    private func tries(_ what: String, _ attempt: (Int) throws -> Bool) throws {
        for number in 0..<50 where try attempt(number) { return }
        throw TestFailure("never met in the middle of a restore: \(what)")
    }

    @Test func noNameIsMissingAfterTwoDisconnectsInHalfASecond() throws {
        try withNamesHeld { relay, redis, _ in
            let plain = try redis.client()
            try tries("a disconnect") { _ in
                let watcher = try relay.client()
                let gaps = watcher.status.gaps
                #expect(try plain.cutSubscribers() == [Self.all])
                let taken = try secondsTaken { try waitForRestore(plain) }
                let held = try plain.cutSubscribers().first ?? 0
                guard held > 1, held < Self.all, taken < 0.5 else {
                    // If a client reads UP after this, it comes from a relay that has seen both disconnects.
                    try eventually("all are restored") { try plain.channelsOfSubscribers() == [Self.all] }
                    return false
                }
                try watcher.collect(untilState: .up)
                #expect(try plain.channelsOfSubscribers() == [Self.all], "a name is missing at UP")
                try watcher.ping()
                #expect(watcher.status.gaps == gaps + 1, "the restore that was cut short was no UP")
                return true
            }
            #expect(try plain.subscribers(ofEach: Self.names.map { "t:" + $0 }).allSatisfy { $0 == 1 })
        }
    }

    @Test func whatIsUnsubscribedDuringARestoreIsGoneForGood() throws {
        try withNamesHeld { relay, redis, client in
            let plain = try redis.client()
            var gone: [String] = []
            try tries("an Unsubscribe") { number in
                try plain.cutSubscribers()
                try client.collect(untilState: .degraded)
                try waitForRestore(plain)
                // Some of these names have been sent to Redis and confirmed, some have only been sent, and some have
                // not been sent.
                redis.freeze()
                let names = Self.names.indices.filter { $0 % 50 == number }.map { Self.names[$0] }
                gone += names
                #expect(try client.request(.unsubscribe(names, id: 2), id: 2).outcome == .ok)
                let isRestoring = client.status.state == .degraded
                redis.thaw()
                let left = Self.all - gone.count
                try eventually("the others are restored") { try plain.channelsOfSubscribers() == [left] }
                try client.ping()
                if client.status.state != .up { try client.collect(untilState: .up) }
                return isRestoring
            }
            let left = Self.all - gone.count
            // The next restore does not bring any of them back either.
            #expect(try plain.cutSubscribers() == [left])
            try client.collect(untilState: .degraded)
            try client.collect(untilState: .up)
            #expect(try plain.channelsOfSubscribers() == [left])
            #expect(try plain.subscribers(ofEach: gone.map { "t:" + $0 }).allSatisfy { $0 == 0 })
            for name in gone { #expect(try plain.publish("t:" + name, "x") == 0) }
            let kept = try #require(Self.names.last { !gone.contains($0) })
            try plain.publish("t:" + kept, "kept")
            #expect(try client.expectMessage().text == "kept")
        }
    }
}
