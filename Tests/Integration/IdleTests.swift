import TestSupport
import Testing

/// A relay that has nothing to do.
@Suite(.sharedRelay()) struct IdleTests {
    /// What always runs is kept by the kernel: with a timeout, every wait would cost the kernel a timer of its own.
    @Test func itWaitsWithoutATimeout() throws {
        let relay = try sharedStage().relay
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        #expect(try client.publish("c", "x").receivers == 1)
        try eventually("no timer runs that the loop keeps") { try relay.process.waitTimeout() == -1 }
    }
}
