import Testing

@testable import RelayCore

/// Canonical relay frames of the vectors, encoded by the relay's own encoders. Those with values that the relay has no
/// name for, or with combinations that it never sends, are left out.
@Suite final class RelayFrameVectorTests {
    private var arena = Arena()

    /// The case of an enum by its name in the schema, such as STATE_UP; nil for one of another version.
    private func named<Value>(_ name: JSON, _ prefix: String, _ values: [Value], _ label: (Value) -> String) -> Value? {
        values.first { prefix + label($0).uppercased() == name.text }
    }

    private func outcome(_ name: JSON) -> Outcome? {
        named(name, "OUTCOME_", (1...7).compactMap { Outcome(rawValue: $0) }, \.label)
    }

    private func cause(_ name: JSON) -> Cause? {
        name.isPresent ? named(name, "CAUSE_", Cause.allCases, \.label) : .unspecified
    }

    private func status(_ fields: JSON) -> RelayStatus? {
        var status = RelayStatus()
        guard let state = named(fields["state"], "STATE_", [.up, .degraded, .down, .stopping], \State.label),
            let cause = cause(fields["cause"])
        else { return nil }
        (status.state, status.cause, status.reason) = (state, cause, fields["reason"].text)
        status.sinceUnixMilliseconds = fields["since_unix_ms"].number
        status.outages = fields["outages"].number
        status.downMilliseconds = fields["down_ms"].number
        (status.publishing, status.receiving) = (fields["publishing"].flag, fields["receiving"].flag)
        status.gaps = fields["gaps"].number
        return status
    }

    private func reply(_ fields: JSON) -> OutputRange? {
        guard let outcome = outcome(fields["outcome"]) else { return nil }
        let id = fields["id"].number
        if fields["receivers"].isPresent {
            return fields["detail"].isPresent || fields["channels"].isPresent || fields["patterns"].isPresent
                ? nil : arena.reply(id: id, outcome: outcome, receivers: fields["receivers"].number)
        }
        func copies(_ names: JSON) -> [UnsafeRawBufferPointer] {
            names.list.map { name in
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: name.utf8.count, alignment: 1)
                copy.copyBytes(from: name.utf8)
                return UnsafeRawBufferPointer(copy)
            }
        }
        let names = NameLists(channels: copies(fields["channels"]), patterns: copies(fields["patterns"]))
        defer { for name in names.channels + names.patterns { name.deallocate() } }
        return arena.reply(id: id, outcome: outcome, detail: fields["detail"].text, names: names)
    }

    private func welcome(_ fields: JSON) -> OutputRange? {
        let maxPayload = fields["max_payload_bytes"].number
        guard fields["version"].number == 1, let status = status(fields["status"]),
            fields["max_frame_bytes"].number == maxPayload + 4096
        else { return nil }
        let identity = RelayIdentity(
            version: fields["relay_version"].text, id: fields["relay_id"].text, maxPayloadBytes: Int(maxPayload),
            features: fields["features"].list.map(\.text))
        return arena.welcome(identity, status: status)
    }

    private func loss(_ fields: JSON) -> OutputRange? {
        cause(fields["cause"]).map {
            arena.loss(
                LossReport(
                    publishes: fields["publishes"].number, messages: fields["messages"].number,
                    publishesUnknown: fields["publishes_unknown"].number, cause: $0, reason: fields["reason"].text))
        }
    }

    private func revoked(_ fields: JSON) -> OutputRange? {
        let (channels, patterns) = (fields["channels"].list, fields["patterns"].list)
        // The relay writes a Revoked for each name.
        guard channels.count + patterns.count == 1, let name = channels.first ?? patterns.first else { return nil }
        return lending(name.text) {
            arena.revoked(
                channels.isEmpty ? NameLists(patterns: [$0]) : NameLists(channels: [$0]), detail: fields["detail"].text)
        }
    }

    private func message(_ fields: JSON) -> OutputRange? {
        guard fields["channel"].isPresent else { return nil }
        return lending(fields["channel"].text) { channel in
            lending(fields["payload"].bytes) { payload in
                guard fields["pattern"].isPresent else {
                    return arena.message(channel: channel, payload: payload, pattern: nil)
                }
                return lending(fields["pattern"].text) {
                    arena.message(channel: channel, payload: payload, pattern: $0)
                }
            }
        }
    }

    private func encoded(_ kind: String, _ fields: JSON) -> OutputRange? {
        switch kind {
        case "welcome": welcome(fields)
        case "message": message(fields)
        case "reply": reply(fields)
        case "status": status(fields).map { arena.status($0) }
        case "loss": loss(fields)
        case "revoked": revoked(fields)
        case "error":
            named(fields["code"], "CODE_", ErrorCode.allCases, \.label).map {
                arena.error($0, detail: fields["detail"].text)
            }
        default: nil
        }
    }

    @Test func canonicalBodiesAreWhatTheRelayWrites() throws {
        var compared: [String: Int] = [:]
        for vector in try vectorFile("relay-frames.json")["vectors"].list where vector["canonical"].flag {
            guard case .object(let members) = vector["frame"], let (kind, fields) = members.first,
                let range = encoded(kind, fields)
            else { continue }
            #expect(try body(of: range) == vector["body"].bytes, "\(vector["name"].text)")
            compared[kind, default: 0] += 1
        }
        let kinds: Set = ["welcome", "message", "reply", "status", "loss", "error"]
        #expect(kinds.isSubset(of: compared.keys), "\(compared)")
    }
}
