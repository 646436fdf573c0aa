import TestSupport
import Testing

/// Very many subscriptions have to be restored, and other clients must not notice.
@Suite struct LargeRestoreTests {
    @Test func aHundredThousandChannelsAreRestoredInBatchesWhileOthersAreServed() throws {
        try withRelay(options: ["--link-timeout", "20s"]) { relay, redis in
            let holders = try (0..<4).map { _ in try relay.client() }
            for (number, holder) in holders.enumerated() {
                let names = (0..<25_000).map { "large.\(number).\($0)" }
                #expect(try holder.request(.subscribe(names, id: 1), id: 1).outcome == .ok)
            }
            let plain = try redis.client()
            // The probe's channel is one more.
            #expect(try plain.channelsOfSubscribers() == [100_001])
            let bystander = try relay.client()
            let monitor = try redis.client()
            try monitor.run("MONITOR")
            try plain.cutSubscribers()
            try bystander.collect(untilState: .degraded)
            var pings: [Double] = []
            let taken = try secondsTaken {
                while bystander.status.state != .up { pings.append(try bystander.ping()) }
            }
            #expect(try plain.channelsOfSubscribers() == [100_001])
            let slowest = pings.max() ?? 0
            print("restored 100,000 channels in \(taken) s, the slowest of \(pings.count) Pings took \(slowest) s")
            // If the whole restore were one command, no Ping would be answered in between.
            #expect(pings.count > 5)
            // On a busy machine everything takes longer, including the restore.
            #expect(slowest < max(3, taken / 2))
            try plain.run("ECHO", "the end of the restore")
            try expectBatches(of: 512, total: 100_001, at: monitor)
            for holder in holders {
                try holder.collect(untilState: .up)
                #expect(holder.status.gaps == 1)
            }
        }
    }

    /// Checks the commands that Redis has received, up to the ECHO that ends them.
    private func expectBatches(of limit: Int, total: Int, at monitor: RedisClient) throws {
        var counts: [Int] = []
        while true {
            guard let line = try monitor.read().text else { continue }
            if line.contains("\"ECHO\"") { break }
            guard line.contains("\"SUBSCRIBE\"") else { continue }
            // The words of the command are in quotes.
            counts.append(line.utf8.count { $0 == UInt8(ascii: "\"") } / 2 - 1)
        }
        #expect(counts.max() == limit)
        #expect(counts.reduce(0, +) == total, "each name once")
    }
}
