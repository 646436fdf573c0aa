import TestSupport
import Testing

/// A busy connection does not delay another connection. The tests limit the work that the relay does before it answers,
/// in seconds of its CPU time. On a busy machine all processes wait for a core, so the elapsed time would say nothing
/// about the relay.
@Suite struct FairnessTests {
    @Test func aPingIsPromptWhileAnotherConnectionFloods() throws {
        try withRelay { relay, redis in
            let quiet = try relay.client()
            let path = relay.socketPath
            let flood = try Background {
                let flooder = try TestConnection(path: path)
                try flooder.hello()
                let payload = [UInt8](repeating: 65, count: 100)
                let bytes = (0..<500).flatMap { _ in HubrelayClientFrame.publish("c", payload, id: 0).bytes }
                return { try flooder.send(raw: bytes) }
            }
            var slowest = 0.0
            // Continues until the relay has taken much from the other connection, which has then been busy all the
            // time.
            repeat {
                slowest = max(slowest, try relay.process.cpuSecondsTaken { try quiet.ping() })
            } while try flood.steps() < 60
            try flood.stop()
            #expect(slowest < 0.5, "the relay worked \(slowest) s before it answered a Ping")
        }
    }

    /// Takes seconds: thirty rounds of a thousand names.
    @Test func messagesArePromptWhileAThousandNamesAreSubscribedOverAndOver() throws {
        try withRelay { relay, redis in
            let quiet = try relay.client()
            #expect(try quiet.subscribe("quiet") == .ok)
            let path = relay.socketPath
            let churn = try Background {
                let busy = try TestConnection(path: path)
                try busy.hello()
                let names = (0..<1000).map { "busy.\($0)" }
                return {
                    try busy.send(.subscribe(names, id: 1), .unsubscribe(names, id: 2))
                    for id in UInt64(1)...2 { try busy.expectReply(id: id) }
                }
            }
            var slowest = 0.0
            repeat {
                let taken = try relay.process.cpuSecondsTaken {
                    try quiet.send(.publish("quiet", "x", id: 0))
                    try quiet.expectMessage()
                }
                slowest = max(slowest, taken)
            } while try churn.steps() < 30
            try churn.stop()
            #expect(slowest < 0.5, "the relay worked \(slowest) s before it delivered a message")
        }
    }
}
