import Testing

@testable import RelayCore

/// Which changes of the path are logged. Times are in milliseconds.
@Suite final class TransitionLogTests {
    private var log = TransitionLog()
    private var status = RelayStatus()

    /// The path changes.
    /// - Returns: the lines: "up to down, closed", or "3 not logged".
    private func change(
        _ state: State, _ cause: Cause = .unspecified, slotsAway: Int = 0, at now: Int = 0
    ) -> [String] {
        let previous = status
        (status.state, status.cause) = (state, cause)
        (status.publishing, status.receiving) = (state == .up, state == .up)
        return texts(log.changed(from: previous, to: status, slotsAway: slotsAway, now: now.ms))
    }

    private func texts(_ lines: [LogLine]) -> [String] {
        return lines.map { line in
            if let count = line.metadata["changes_not_logged"] { return "\(count) not logged" }
            let (from, to) = (line.metadata["from"] ?? "", line.metadata["state"] ?? "")
            return "\(from) to \(to)" + (line.metadata["cause"].map { ", \($0)" } ?? "")
        }
    }

    /// Goes up and down so often that the window is full.
    private func flap() {
        _ = change(.up)
        for _ in 0..<5 {
            _ = change(.down, .closed)
            _ = change(.up)
        }
    }

    @Test func everyChangeOfStateIsALine() {
        #expect(change(.up) == ["down to up"])
        #expect(change(.degraded, .closed) == ["up to degraded, closed"])
        #expect(change(.down, .closed) == ["degraded to down, closed"])
    }

    @Test func aCauseOfOneStateIsALineOnce() {
        _ = change(.up)
        _ = change(.down, .closed)
        #expect(change(.down, .auth) == ["down to down, auth"])
        #expect(change(.down, .closed) == [] && change(.down, .auth) == [])
    }

    @Test func inTheNextStateItIsNewAgain() {
        _ = change(.up)
        _ = change(.down, .closed)
        _ = change(.down, .unreachable)
        _ = change(.up)
        _ = change(.down, .closed)
        #expect(change(.down, .unreachable) == ["down to down, unreachable"])
    }

    @Test func moreSlotsAwayAreNewsAndFewerAreNot() {
        _ = change(.up)
        _ = change(.degraded, .topology, slotsAway: 10)
        #expect(change(.degraded, .topology, slotsAway: 20) == ["degraded to degraded, topology"])
        #expect(change(.degraded, .topology, slotsAway: 5) == [])
        #expect(change(.degraded, .topology, slotsAway: 6) == ["degraded to degraded, topology"])
    }

    @Test func changesBeyondAFewAreCountedAndTold() {
        flap()
        #expect(change(.down, .closed, at: 9999) == [])
        #expect(texts(log.summary(status: status, now: 9999.ms)) == [])
        #expect(texts(log.summary(status: status, now: 10_000.ms)) == ["6 not logged"])
        #expect(texts(log.summary(status: status, now: 30_000.ms)) == [])
    }

    @Test func whatIsNotDueIsToldAtTheEnd() {
        flap()
        #expect(texts(log.summary(status: status, now: 1.ms, isLast: true)) == ["5 not logged"])
    }

    @Test func whatSomebodyHasToMendIsLoggedOnceAWindow() {
        flap()
        #expect(change(.down, .auth) == ["up to down, auth"])
        #expect(change(.up) == [] && change(.down, .auth) == [] && change(.up) == [])
        #expect(change(.down, .tls) == ["up to down, tls"])
        #expect(change(.up) == [] && change(.down, .unreachable) == [], "that passes by itself")
    }

    @Test func aLineSaysWhatPeopleNeed() {
        _ = change(.up)
        status.outages = 3
        (status.reason, status.downMilliseconds) = ("a reason", 7)
        let previous = status
        (status.state, status.cause) = (.down, .closed)
        (status.publishing, status.receiving) = (false, false)
        let down = log.changed(from: previous, to: status, slotsAway: 0, now: 0)
        #expect(
            down.first?.metadata == [
                "from": "up", "state": "down", "outages": "3", "cause": "closed", "reason": "a reason",
                "publishing": "false", "receiving": "false",
            ])
        #expect(down.first?.level == .warning)
        let outage = status
        (status.state, status.cause) = (.up, .unspecified)
        (status.publishing, status.receiving) = (true, true)
        let up = log.changed(from: outage, to: status, slotsAway: 0, now: 0)
        #expect(up.first?.metadata == ["from": "down", "state": "up", "outages": "3", "down_ms": "7"])
        #expect(up.first?.level == .notice)
    }

    @Test func theStartIsNoWarning() {
        var starting = RelayStatus()
        (starting.state, starting.cause) = (.degraded, .starting)
        #expect(log.changed(from: RelayStatus(), to: starting, slotsAway: 0, now: 0).first?.level == .notice)
        var degraded = starting
        (degraded.state, degraded.cause) = (.degraded, .closed)
        #expect(log.changed(from: starting, to: degraded, slotsAway: 0, now: 0).first?.level == .warning)
    }
}
