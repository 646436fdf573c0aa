import Testing

@testable import RelayCore

/// A path whose clock is set by the test.
private struct Path {
    var state = PathState(now: 0, unixMilliseconds: 1_000_000)
    private var nodes = NodeSet([NodeMachine(probe: Probe(interval: nil, deadline: 0), role: RoleCheck(interval: 1))])
    private var random = SeededGenerator(seed: 1)
    var now = 0
    var isTold = false

    static let failure = LinkFailure(cause: .closed, reason: "Redis closed the connection")

    /// What works of the path `seconds` later.
    mutating func update(
        _ publishing: Bool, _ receiving: Bool, after seconds: Int, failure: LinkFailure? = failure
    ) -> RelayStatus {
        now += seconds * 1000
        if publishing {
            nodes.nodes[0].publishLinkUp(roleUnavailable: nil, now: now.ms, using: &random)
        } else {
            nodes.nodes[0].publishLinkDown()
        }
        if receiving {
            nodes.nodes[0].subscribeLinkUp()
            nodes.nodes[0].becameWhole()
        } else {
            nodes.nodes[0].subscribeLinkDown()
        }
        isTold = state.update(
            nodes, failure: failure, now: now.ms, unixMilliseconds: UInt64(1_000_000 + now))
        return state.status
    }
}

@Suite struct PathStateTests {
    @Test func beginsDown() {
        let status = Path().state.status
        #expect(status.state == .down && status.cause == .starting && status.reason == "starting")
        #expect(status.outages == 0 && status.gaps == 0 && status.sinceUnixMilliseconds == 1_000_000)
    }

    @Test func theWayUpTellsHowLongItTook() {
        var path = Path()
        let status = path.update(true, true, after: 3)
        #expect(path.isTold && status.state == .up && status.publishing && status.receiving)
        #expect(status.downMilliseconds == 3000 && status.outages == 0 && status.gaps == 0)
        #expect(status.cause == .unspecified && status.reason == "")
        #expect(status.sinceUnixMilliseconds == 1_003_000)
    }

    @Test func anOutageIsADepartureFromUp() {
        var path = Path()
        _ = path.update(true, true, after: 1)
        for outage in 1...3 as ClosedRange<UInt64> {
            var status = path.update(false, false, after: 10)
            #expect(path.isTold && status.state == .down && status.outages == outage && status.gaps == outage)
            #expect(status.cause == .closed && status.reason == Path.failure.reason && status.downMilliseconds == 0)
            status = path.update(true, true, after: 2)
            #expect(status.state == .up && status.outages == outage && status.downMilliseconds == 2000)
        }
    }

    @Test func nothingNewIsNotTold() {
        var path = Path()
        _ = path.update(true, true, after: 1)
        let status = path.update(true, true, after: 1)
        #expect(!path.isTold && status.downMilliseconds == 0 && status.sinceUnixMilliseconds == 1_001_000)
        _ = path.update(false, false, after: 1)
        _ = path.update(false, false, after: 1)
        #expect(!path.isTold)
    }

    @Test func aLaterReasonReplacesTheFirstQuietly() {
        var path = Path()
        let status = path.update(
            false, false, after: 1, failure: LinkFailure(cause: .unreachable, reason: "connection refused"))
        #expect(!path.isTold, "starting, and down all the time")
        #expect(status.cause == .unreachable && status.reason == "connection refused")
        #expect(path.update(false, false, after: 1, failure: nil).cause == .unreachable)
    }

    @Test func publishingAloneIsDegradedAndAGap() {
        var path = Path()
        _ = path.update(true, true, after: 1)
        var status = path.update(true, false, after: 1)
        #expect(path.isTold && status.state == .degraded && status.publishing && !status.receiving)
        #expect(status.outages == 1 && status.gaps == 1)
        status = path.update(true, true, after: 4)
        #expect(status.state == .up && status.downMilliseconds == 4000 && status.outages == 1 && status.gaps == 1)
    }

    @Test func receivingAloneIsDegradedAndNoGap() {
        var path = Path()
        _ = path.update(true, true, after: 1)
        var status = path.update(false, true, after: 1)
        #expect(status.state == .degraded && status.outages == 1 && status.gaps == 0)
        status = path.update(true, true, after: 4)
        #expect(status.state == .up && status.downMilliseconds == 4000 && status.gaps == 0)
    }

    /// The other half works now. The state is the same, and yet the change is reported.
    @Test func theOtherHalfIsAChange() {
        var path = Path()
        _ = path.update(true, true, after: 1)
        _ = path.update(true, false, after: 1)
        let status = path.update(false, true, after: 1)
        #expect(path.isTold && status.state == .degraded && !status.publishing && status.receiving)
        #expect(status.sinceUnixMilliseconds == 1_002_000, "degraded since then")
        #expect(status.outages == 1)
    }

    @Test func oneOutageMayHaveSeveralGaps() {
        var path = Path()
        _ = path.update(true, true, after: 1)
        for _ in 0..<3 {
            _ = path.update(false, false, after: 1)
            _ = path.update(false, true, after: 1)
        }
        let status = path.update(true, true, after: 1)
        #expect(status.outages == 1 && status.gaps == 3 && status.downMilliseconds == 6000)
    }

    @Test func onTheWayDownAndUpThroughDegradedTheTimeIsOne() {
        var path = Path()
        _ = path.update(true, true, after: 1)
        _ = path.update(true, false, after: 10)
        _ = path.update(false, false, after: 1)
        #expect(path.update(true, false, after: 1).downMilliseconds == 0)
        #expect(path.update(true, true, after: 1).downMilliseconds == 3000)
    }

    @Test func outageTimeLeavesOutTheStart() {
        var path = Path()
        #expect(path.state.outageTime(now: 500.ms) == 0)
        _ = path.update(true, true, after: 10)
        #expect(path.state.outageTime(now: 20_000.ms) == 0)
        _ = path.update(true, false, after: 10)
        #expect(path.state.outageTime(now: 23_000.ms) == 3000.ms)
        _ = path.update(true, true, after: 5)
        _ = path.update(false, false, after: 5)
        _ = path.update(true, true, after: 2)
        #expect(path.state.outageTime(now: 90_000.ms) == 7000.ms)
    }

    @Test func stoppingStaysStoppingAndStillTellsWhatWorks() {
        var path = Path()
        _ = path.update(true, true, after: 1)
        path.state.stop(unixMilliseconds: 1_005_000)
        var status = path.state.status
        #expect(status.state == .stopping && status.cause == .stopping && status.sinceUnixMilliseconds == 1_005_000)
        #expect(status.publishing && status.receiving, "rule 10: the connections there are, are served")
        status = path.update(false, false, after: 1)
        #expect(path.isTold && status.state == .stopping && !status.publishing && !status.receiving)
        #expect(status.cause == .stopping && status.reason == "the relay is shutting down" && status.gaps == 1)
        status = path.update(true, true, after: 1)
        #expect(path.isTold && status.state == .stopping && status.publishing && status.receiving)
        #expect(status.sinceUnixMilliseconds == 1_005_000)
        #expect(status.downMilliseconds == 0, "not on the way to UP")
    }
}
