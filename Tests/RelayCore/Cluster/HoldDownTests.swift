import Testing

@testable import RelayCore

/// A `HoldDown` in a class, so that it can be changed inside an expectation. Its times are in milliseconds.
private final class Hold {
    private var hold = HoldDown()
    var owesGap: Bool { hold.owesGap }
    func broke(_ now: Int) {
        hold.broke(now: now.ms)
        hold.missing(now: now.ms)
    }
    func whole(_ now: Int) -> Bool { hold.mayBeWhole(now: now.ms) }
    func gap(_ isReceiving: Bool, _ now: Int) -> Bool { hold.countsGap(isReceiving: isReceiving, now: now.ms) }
}

@Suite struct HoldDownTests {
    private let hold = Hold()

    @Test func oneBreakIsOverAtOnce() {
        hold.broke(5000)
        #expect(hold.whole(5001))
        hold.broke(6001)
        #expect(hold.whole(6002), "it was quiet for a second")
    }

    @Test func breaksThatFollowEachOtherAreOne() {
        hold.broke(5000)
        #expect(hold.whole(5001))
        for now in stride(from: 5100, to: 8000, by: 900) {
            hold.broke(now)
            #expect(!hold.whole(now + 1) && !hold.whole(now + 899))
        }
        #expect(hold.whole(8800))
    }

    @Test func butTheyAreNotHeldForEver() {
        hold.broke(5000)
        _ = hold.whole(5001)
        hold.broke(5100)
        for now in stride(from: 5200, to: 15_100, by: 100) {
            #expect(!hold.whole(now))
            hold.broke(now)
        }
        #expect(hold.whole(15_100))
    }

    @Test func aGapIsCountedAtOnceWhereAllWasWell() {
        #expect(!hold.gap(true, 1))
        hold.broke(10)
        #expect(hold.gap(true, 10) && !hold.owesGap && !hold.gap(true, 11))
    }

    @Test func laterOnesAtTheEndOrNowAndThen() {
        hold.broke(10)
        _ = hold.gap(true, 10)
        hold.broke(20)
        #expect(!hold.gap(false, 20) && !hold.gap(false, 10_009) && hold.owesGap)
        #expect(hold.gap(false, 10_010))
        hold.broke(10_020)
        #expect(!hold.gap(false, 10_021) && hold.gap(true, 10_500), "all is heard again")
    }

    @Test func theFirstOneIsCountedAtOnceAlsoWhereNotAllWasWell() {
        hold.broke(5000)
        #expect(hold.gap(false, 5000) && !hold.owesGap)
    }
}
