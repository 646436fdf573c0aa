import TestSupport
import Testing

/// Many connections together take no more memory than is documented, and do not disturb others.
@Suite struct MemoryBoundTests {
    /// Memory in bytes that may come on top of the bound, since one connection may take more than another. It includes
    /// the sanitizer's share.
    private static let slack = 96 << 20

    /// Writes to each connection as much as it takes, again and again, until none takes anything for a while, or
    /// `isOver`.
    private func flood(_ connections: [TestConnection], with bytes: [UInt8], until isOver: () throws -> Bool) throws {
        var offsets = [Int](repeating: 0, count: connections.count)
        // The sanitizer makes the relay slow, and other tests run at the same time.
        try eventually("the relay has had enough", within: 5 * TestDeadline.patience) {
            for (number, connection) in connections.enumerated() {
                for _ in 0..<4 {
                    // Some peers are gone: that is the purpose of the test.
                    guard let count = try? connection.socket.writeSome(bytes[offsets[number]...]), count > 0 else {
                        break
                    }
                    offsets[number] = (offsets[number] + count) % bytes.count
                }
            }
            return try isOver()
        }
    }

    @Test func aHundredThatAskAndDoNotReadAreClosedBeforeTheyFillTheMemory() throws {
        try withRelay(options: ["--max-buffered", "4MiB"]) { relay, _ in
            let bystander = try relay.client()
            // Small requests with large Replies, which explain the error.
            let requests = (0..<500).flatMap { _ in HubrelayClientFrame.publish("", "", id: 1 << 50).bytes }
            let connections = try (0..<100).map { _ in try relay.client() }
            let before = relay.process.residentBytes
            var most = before
            try flood(connections, with: requests) {
                most = max(most, relay.process.residentBytes)
                // The Ping waits behind what a hundred connections have written meanwhile.
                try bystander.ping(within: 5 * TestDeadline.patience)
                return try relay.metric("hubrelay_connections_closed_total{code=\"too_many\"}") >= 50
            }
            #expect(most - before < 2 * (4 << 20) + Self.slack, "\((most - before) >> 20) MiB more")
            try bystander.ping()
        }
    }

    @Test func halfFramesOfHundredsStayWithinTheBound() throws {
        try withRelay(options: ["--max-buffered", "16MiB"]) { relay, _ in
            let frame = HubrelayClientFrame.publish("c", [UInt8](repeating: 0, count: 1 << 20), id: 1).bytes
            let connections = try (0..<300).map { _ in try relay.client() }
            let bystander = try relay.client()
            let before = relay.process.residentBytes
            var written = [Int](repeating: 0, count: connections.count)
            // Many times as much as the kernel holds. In between the relay has turns in which it could read all of it.
            for _ in 0..<20 {
                for (number, connection) in connections.enumerated() {
                    let end = frame.count - 1
                    guard written[number] < end else { continue }
                    written[number] += (try? connection.socket.writeSome(frame[written[number]..<end])) ?? 0
                }
                try bystander.ping()
                #expect(relay.process.residentBytes - before < 16 << 20 + Self.slack)
            }
            // A client that writes a whole frame gets through after those that do not. A set of them that fills the
            // bound takes a second.
            for connection in connections.dropFirst(40) { connection.socket.close() }
            let honest = try relay.client()
            #expect(try honest.publish("c", bytes: [UInt8](repeating: 1, count: 1 << 20)).outcome == .ok)
            try honest.ping()
        }
    }

    /// Eighteen connections that do not read fill the memory that all connections may use together. One that reads
    /// loses nothing within its share.
    @Test func whoReadsLosesNothingToThoseWhoDoNot() throws {
        try withRelay(options: ["--window", "1MiB", "--max-buffered", "8MiB"]) { relay, redis in
            let stalled = try (0..<18).map { _ in try relay.client() }
            for connection in stalled { #expect(try connection.subscribe("flood") == .ok) }
            let reader = try relay.client()
            #expect(try reader.subscribe("news") == .ok)
            let other = try relay.client()
            #expect(try other.subscribe("tick") == .ok)
            let plain = try redis.client()
            let large = [UInt8](repeating: 0, count: 16 << 10)
            for _ in 0..<40 { try plain.publish("t:flood", [[UInt8]](repeating: large, count: 8)) }
            try reader.ping()
            #expect(try relay.metric("hubrelay_messages_lost_total{cause=\"slow_reader\"}") > 0)
            // As many as its kernel's buffer and its share can hold. It reads them only afterwards.
            let ofOthers = try relay.metric("hubrelay_buffered_bytes")
            var (number, isFull) = (0, false)
            while !isFull, number < 200 {
                try publishNews(number)
                number += 1
                isFull = try relay.metric("hubrelay_buffered_bytes") > ofOthers
            }
            #expect(isFull)
            let last = number + 8
            while number < last {
                try publishNews(number)
                number += 1
            }
            for number in 0..<last { #expect(try reader.expectMessage().bytes == news(number)) }

            func news(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(number), count: 6000) }
            func publishNews(_ number: Int) throws {
                try plain.publish("t:news", [news(number)])
                // This arrives at the relay after the news.
                try plain.publish("t:tick", "x")
                try other.expectMessage()
            }
        }
    }
}
