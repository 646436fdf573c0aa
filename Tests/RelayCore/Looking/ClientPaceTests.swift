import Testing

@testable import RelayCore

/// What a client publishes and gets in a second, from look to look.
@Suite struct ClientPaceTests {
    private let second: UInt64 = 1_000_000_000
    private var pace = ClientPace()

    @Test mutating func theFirstLookCountsFromTheBeginningOn() {
        pace.look(published: 10, delivered: 30, openedAt: 5 * second, now: 15 * second)
        #expect(pace.publishedPerSecond == 1 && pace.deliveredPerSecond == 3)
    }

    @Test mutating func aLaterLookCountsFromTheOneBefore() {
        pace.look(published: 10, delivered: 30, openedAt: 0, now: 10 * second)
        pace.look(published: 50, delivered: 30, openedAt: 0, now: 12 * second)
        #expect(pace.publishedPerSecond == 20 && pace.deliveredPerSecond == 0)
    }

    /// Two people who look at the same time see the same.
    @Test mutating func aLookWithinASecondChangesNothing() {
        pace.look(published: 10, delivered: 10, openedAt: 0, now: 10 * second)
        pace.look(published: 1000, delivered: 1000, openedAt: 0, now: 11 * second - 1)
        #expect(pace.publishedPerSecond == 1 && pace.deliveredPerSecond == 1)
        pace.look(published: 1010, delivered: 1010, openedAt: 0, now: 12 * second)
        #expect(pace.publishedPerSecond == 500 && pace.deliveredPerSecond == 500)
    }

    @Test mutating func aConnectionOfLessThanASecondHasNoPaceYet() {
        pace.look(published: 10, delivered: 10, openedAt: 5 * second, now: 6 * second - 1)
        #expect(pace.publishedPerSecond == 0)
        pace.look(published: 10, delivered: 10, openedAt: 5 * second, now: 6 * second)
        #expect(pace.publishedPerSecond == 10)
    }
}
