import Synchronization
import TestSupport
import Testing

/// The server answers everything that the relay asks at the beginning of a connection, and closes it. The next write of
/// the relay fails at once, in the middle of setting up the link.
@Suite struct BrokenGreetingTests {
    private final class Counter: Sendable {
        private let count = Mutex(0)
        func next() -> Int {
            count.withLock {
                $0 += 1
                return $0
            }
        }
    }

    @Test(arguments: [0, 1, 40], [false, true])
    func aConnectionThatEndsRightAfterTheGreetingLeavesNothingBehind(names: Int, onPort: Bool) throws {
        let greetings = Counter()
        let fake = try FakeRedisServer(onPort: onPort) { command in
            guard command.verb == "PING", command.link == .subscribe, !command.isSubscribed else { return .usual }
            return greetings.next() <= 12 ? .last(Array("+PONG\r\n".utf8)) : .usual
        }
        let relay = try RelayProcess(redis: fake.url)
        let client = try relay.clientInAnyState()
        let wasUp = client.status.state == .up
        for number in 0..<names {
            let outcome = try client.subscribe("held.\(number)")
            #expect([.pending, .ok].contains(outcome))
        }
        if !wasUp { try client.collect(untilState: .up) }  // the Status may have come among the Replies
        #expect(try client.subscribe("new") == .ok)
        #expect(try client.publish("new", "x").outcome == .ok)
        #expect(try client.expectMessage().text == "x")
        #expect(client.status.outages == 0, "\(client.status.reason)")
        try relay.stop()
    }

    /// While this goes on, a Subscribe is answered as it always is without a subscribe link.
    @Test func requestsAreAnsweredMeanwhile() throws {
        let fake = try FakeRedisServer { command in
            let isGreeting = command.verb == "PING" && command.link == .subscribe && !command.isSubscribed
            return isGreeting ? .last(Array("+PONG\r\n".utf8)) : .usual
        }
        let relay = try RelayProcess(redis: fake.url)
        let client = try relay.clientInAnyState()
        for number in 0..<50 { #expect(try client.subscribe("held.\(number)") == .pending) }
        fake.behave()
        try client.collect(untilState: .up)
        #expect(try client.publish("held.49", "x").outcome == .ok)
        #expect(try client.expectMessage().text == "x")
        try relay.stop()
    }
}
