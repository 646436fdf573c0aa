import Testing

@testable import RelayCore

/// The traffic of the last hour, for people who look later.
@Suite struct TrafficHistoryTests {
    private let counters = Counters()
    private let interval = TrafficHistory.interval

    @Test func aSampleIsTakenWhenItIsDueAndHasWhatCameSince() {
        var history = TrafficHistory(now: 100)
        counters.messagesReceived = 5
        history.tick(counters, now: 100 + interval - 1, unixMilliseconds: 1)
        #expect(history.samples.isEmpty)
        history.tick(counters, now: 100 + interval, unixMilliseconds: 2)
        counters.messagesReceived = 12
        counters.messagesDelivered = 40
        counters.publishes[.ok] = 3
        counters.publishesUnacknowledged = 4
        counters.publishesLost[.notConnected] = 2
        counters.messagesLost[.slowReader] = 1
        // The relay did not run for a while.
        history.tick(counters, now: 100 + 4 * interval, unixMilliseconds: 3)
        let samples = history.samples
        #expect(samples.map(\.unixMilliseconds) == [2, 3] && samples.map(\.duration) == [interval, 3 * interval])
        #expect(samples.map(\.counts.received) == [5, 7] && samples[1].counts.delivered == 40)
        #expect(samples[1].counts.published == 9 && samples[1].counts.lost == 3)
    }

    @Test func itHoldsAnHour() {
        var history = TrafficHistory(now: 0)
        for number in 1...TrafficHistory.capacity + 50 {
            counters.messagesReceived += UInt64(number)
            history.tick(counters, now: UInt64(number) * interval, unixMilliseconds: UInt64(number))
        }
        #expect(TrafficHistory.capacity * Int(interval) == 3600 * 1_000_000_000)
        #expect(history.samples.map { Int($0.unixMilliseconds) } == Array(51...TrafficHistory.capacity + 50))
        #expect(history.samples.allSatisfy { $0.counts.received == $0.unixMilliseconds })
    }
}
