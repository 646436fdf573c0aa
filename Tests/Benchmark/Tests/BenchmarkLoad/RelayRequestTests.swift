internal import Testing

@testable internal import BenchmarkLoad
@testable internal import RelayCore

@Suite("Requests to the relay")
struct RelayRequestTests {
    @Test("Hello has the version")
    func hello() throws {
        try decoded(RelayRequests.hello()) { frame in
            guard case .hello(let version, let name) = frame else {
                Issue.record("no Hello")
                return
            }
            #expect(version == protocolVersion)
            #expect(String(decoding: name, as: UTF8.self) == "hubrelay-bench")
        }
    }

    @Test("Subscribe has every channel of its range once", arguments: [1, 500])
    func subscribe(count: Int) throws {
        let names = ChannelNames(stem: "run.", count: 100_000)
        let frame = RelayRequests.subscribe(99_000..<(99_000 + count), of: names, id: 77)
        try decoded(frame) { frame in
            guard case .subscribe(let request) = frame else {
                Issue.record("no Subscribe")
                return
            }
            #expect(request.id == 77)
            var channels: [String] = []
            request.forEach { name, isPattern in
                #expect(!isPattern)
                channels.append(String(decoding: name, as: UTF8.self))
                return true
            }
            #expect(channels == (0..<count).map { "run.0\(99_000 + $0)" })
        }
    }

    private func decoded(_ bytes: [UInt8], _ check: (ClientFrame?) -> Void) throws {
        var splitter = FrameSplitter()
        var frames = 0
        var failure: (any Error)?
        try bytes.withUnsafeBytes { bytes in
            try splitter.feed(bytes, limit: { .max }) { body in
                frames += 1
                do { check(try ClientFrame.decodeAny(body)) } catch { failure = error }
                return .goOn
            }
        }
        #expect(frames == 1)
        #expect(splitter.heldBytes == 0)
        if let failure { throw failure }
    }
}
