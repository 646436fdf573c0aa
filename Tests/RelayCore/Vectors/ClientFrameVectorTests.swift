import TestSupport
import Testing

@testable import RelayCore

extension OwnedClientFrame {
    /// A frame as the vectors have it: one key, the kind, and the fields that differ from their default.
    init?(_ frame: JSON) {
        guard case .object(let members) = frame, members.count == 1, let (kind, fields) = members.first else {
            return nil
        }
        let id = fields["id"].number
        let (channels, patterns) = (fields["channels"].list.map(\.utf8), fields["patterns"].list.map(\.utf8))
        switch kind {
        case "hello":
            self = .hello(version: UInt32(fields["version"].number), name: fields["client_name"].utf8)
        case "publish":
            self = .publish(channel: fields["channel"].utf8, payload: fields["payload"].bytes, id: id)
        case "subscribe": self = .subscribe(id: id, channels: channels, patterns: patterns)
        case "unsubscribe": self = .unsubscribe(id: id, channels: channels, patterns: patterns)
        case "ping": self = .ping(id: id, settled: fields["settled"].flag)
        default: return nil
        }
    }
}

@Suite struct ClientFrameVectorTests {
    @Test func everyBodyIsWhatItsVectorSays() throws {
        let vectors = try vectorFile("client-frames.json")["vectors"].list
        #expect(vectors.count > 150)
        for vector in vectors {
            let decoded = decode(vector["body"].bytes)
            if vector["error"].isPresent {
                #expect(vector["error"].text == "CODE_MALFORMED")
                #expect(decoded == .malformed || decoded == .noKind, "\(vector["name"].text)")
            } else {
                let frame = try #require(OwnedClientFrame(vector["frame"]), "\(vector["name"].text)")
                #expect(decoded == .frame(frame), "\(vector["name"].text)")
            }
        }
    }

    /// The outcomes that vectors promise for a relay that is up, whatever else goes on.
    @Test func everyPromisedOutcomeIsGiven() throws {
        let vectors = try vectorFile("client-frames.json")["vectors"].list.filter { $0["outcome"].isPresent }
        #expect(vectors.count > 10)
        for vector in vectors {
            let rig = HubRig()
            rig.bringUp()
            let app = rig.connect()
            app.write(framed(vector["body"].bytes))
            rig.turn()
            let outcomes = app.takeFrames().compactMap { $0.reply.id == 0 ? nil : vectorName(of: $0.reply.outcome) }
            #expect(outcomes == [vector["outcome"].text], "\(vector["name"].text)")
        }
    }
}
