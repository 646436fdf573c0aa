import TestSupport
import Testing

@testable import RelayCore

/// The name of an enum's value in the vectors: the one in the schema.
func vectorName(of outcome: HubrelayOutcome) -> String { "OUTCOME_" + schemaCase("\(outcome)") }
func vectorName(of code: HubrelayCode) -> String { "CODE_" + schemaCase("\(code)") }
func vectorName(of cause: HubrelayCause) -> String { "CAUSE_" + schemaCase("\(cause)") }

private func schemaCase(_ swiftCase: String) -> String {
    swiftCase.reduce(into: "") { $0 += $1.isUppercase ? "_\($1)" : $1.uppercased() }
}

@Suite struct FramingVectorTests {
    /// The result of a splitter for a stream that comes in `pieces`: the bodies, and how the stream ends.
    private func cut(_ pieces: [ArraySlice<UInt8>], _ vector: JSON) -> (bodies: [[UInt8]], end: String) {
        var splitter = FrameSplitter()
        var bodies: [[UInt8]] = []
        let isFromClient = vector["sender"].text == "client"
        let limit = Int(vector["max_frame_bytes"].number)
        for piece in pieces {
            let violation: FrameSplitter.Violation? = lending(piece) { piece in
                do throws(FrameSplitter.Violation) {
                    try splitter.feed(piece) {
                        isFromClient && bodies.isEmpty ? maxHelloBytes : limit
                    } consume: { body in
                        bodies.append(Array(body))
                        return .goOn
                    }
                    return nil
                } catch { return error }
            }
            switch violation {
            case .empty: return (bodies, "CODE_MALFORMED")
            case .tooLarge: return (bodies, "CODE_FRAME_TOO_LARGE")
            case nil: continue
            }
        }
        return (bodies, "\(splitter.heldBytes) bytes left")
    }

    /// Takes seconds: each vector at each of its splits.
    @Test func everyStreamIsCutAsItsVectorSaysHoweverItIsSplit() throws {
        let vectors = try vectorFile("streams.json")["framing"].list
        #expect(vectors.count > 25)
        for vector in vectors {
            let end = vector["error"].isPresent ? vector["error"].text : "\(vector["rest"].bytes.count) bytes left"
            let bodies = vector["bodies"].list.map(\.bytes)
            let chunks = vector["chunks"].list.map { $0.bytes[...] }
            let result = cut(chunks, vector)
            #expect(result.bodies == bodies && result.end == end, "\(vector["name"].text), in its own chunks")
            let stream = chunks.flatMap { $0 }
            for split in 0...stream.count {
                let result = cut([stream[..<split], stream[split...]], vector)
                try #require(result.bodies == bodies && result.end == end, "\(vector["name"].text), \(split)")
            }
        }
    }
}

@Suite struct ConversationVectorTests {
    /// A frame that a relay has sent, with the fields that the vectors compare; nil for those that they skip.
    private func answer(_ frame: HubrelayRelayFrame) -> [String: [String: String]]? {
        switch frame.frame {
        case .welcome(let welcome): ["welcome": ["version": "\(welcome.version)"]]
        case .reply(let reply): ["reply": ["id": "\(reply.id)", "outcome": vectorName(of: reply.outcome)]]
        case .loss(let loss): ["loss": ["publishes": "\(loss.publishes)", "cause": vectorName(of: loss.cause)]]
        case .error(let error): ["error": ["code": vectorName(of: error.code)]]
        case .status: nil
        default: ["another": [:]]
        }
    }

    private func expected(_ answer: JSON) -> [String: [String: String]] {
        guard case .object(let kinds) = answer else { return [:] }
        return kinds.mapValues { fields in
            guard case .object(let fields) = fields else { return [:] }
            return fields.mapValues { if case .number(let value) = $0 { "\(value)" } else { $0.text } }
        }
    }

    /// Takes seconds: each vector at each of its splits, with a hub of its own.
    @Test func everyConversationGoesAsItsVectorSaysHoweverItIsSplit() throws {
        let vectors = try vectorFile("streams.json")["conversations"].list
        #expect(vectors.count > 20)
        for vector in vectors {
            let writes = vector["writes"].bytes
            let expected = vector["answers"].list.map(expected)
            for split in 0...writes.count {
                let rig = HubRig()
                rig.bringUp()
                let app = rig.connect(hello: false)
                app.write(Array(writes[..<split]))
                rig.turn()
                app.write(Array(writes[split...]))
                rig.settle()
                rig.settle()  // reads on if a Ping with `settled` held the connection
                let answers = app.takeFrames().compactMap(answer)
                try #require(answers == expected, "\(vector["name"].text), \(split)")
                try #require((app.ending != nil) == vector["closes"].flag, "\(vector["name"].text), \(split)")
            }
        }
    }
}
