import Testing

@testable import Relay
@testable import RelayCore

@Suite("What `systemctl status` shows of a relay")
struct ServiceTextTests {
    private func text(_ state: State, _ cause: Cause = .unspecified, _ reason: String = "") -> String {
        var status = RelayStatus()
        (status.state, status.cause, status.reason) = (state, cause, reason)
        return status.serviceText
    }

    @Test func theStateAndWhyItIsNotUp() {
        #expect(text(.up) == "UP")
        #expect(text(.down, .auth, "no password") == "DOWN, AUTH: no password")
        #expect(text(.degraded, .topology, "4 of 16 slots") == "DEGRADED, TOPOLOGY: 4 of 16 slots")
        #expect(text(.stopping, .stopping, "the relay is shutting down") == "STOPPING: the relay is shutting down")
    }

    /// A second line would be a second message to systemd.
    @Test func itIsOneLineWhateverAServerSays() {
        #expect(
            text(.down, .protocolError, "a\nWATCHDOG=trigger\r\n\u{0}\u{85}b")
                == "DOWN, PROTOCOL: a WATCHDOG=trigger    b")
        #expect(text(.down, .protocolError, String(repeating: "x", count: 10_000)).utf8.count == 500)
    }
}
