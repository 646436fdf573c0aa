import TestSupport
import Testing

/// A relay that has nothing to do.
@Suite(.sharedRelay()) struct IdleTests {
    /// The kernel keeps the timers that always run. With a timeout, every wait would cost the kernel another timer.
    @Test func itWaitsWithoutATimeout() throws {
        let relay = try sharedStage().relay
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        #expect(try client.publish("c", "x").receivers == 1)
        try eventually("no timer runs that the loop keeps") { try relay.process.waitTimeout() == -1 }
    }
}
