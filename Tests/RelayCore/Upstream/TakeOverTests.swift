import RelayCore
import Testing

@Suite("When a relay that takes over asks the other one to stop")
struct TakeOverTests {
    private var takeOver = TakeOver(timeout: 100, now: 1000)

    @Test func itIsAskedOnceAndOnlyWhenThisOneIsUp() {
        var takeOver = takeOver
        #expect(takeOver.step(isUp: false, now: 1000) == .wait)
        #expect(takeOver.step(isUp: true, now: 1010) == .ask)
        // The other relay could not be asked yet.
        #expect(takeOver.step(isUp: true, now: 1020) == .ask)
        takeOver.hasAsked(now: 1020)
        #expect(takeOver.isAsked)
        #expect(takeOver.step(isUp: true, now: 1021) == .wait)
        #expect(takeOver.step(isUp: false, now: 1119) == .wait)
    }

    @Test func whatIsNotUpInTimeGivesUp() {
        #expect(takeOver.step(isUp: false, now: 1099) == .wait)
        #expect(takeOver.step(isUp: false, now: 1100) == .giveUp)
        #expect(takeOver.step(isUp: true, now: 1100) == .giveUp)
    }

    @Test func theOtherOneHasTheSameTimeToLeave() {
        var takeOver = takeOver
        takeOver.hasAsked(now: 1090)
        #expect(takeOver.step(isUp: true, now: 1189) == .wait)
        #expect(takeOver.step(isUp: true, now: 1190) == .giveUp)
    }

    @Test func timeInWhichTheLoopStoodStillDoesNotCount() {
        var takeOver = takeOver
        takeOver.forgive(50, now: 1090)
        #expect(takeOver.step(isUp: false, now: 1149) == .wait)
        #expect(takeOver.step(isUp: false, now: 1150) == .giveUp)
    }
}
