import RelayCore

/// The frames in what was read from an app are found and decoded.
let frameCases = [
    Benchmark(name: "decode-publish", operations: Bench.batch) { decoding(piecesOf: nil) },
    // Every read ends in the middle of a frame.
    Benchmark(name: "decode-publish-split", operations: Bench.batch) { decoding(piecesOf: 150) },
    Benchmark(name: "ping-reply", operations: Bench.batch) {
        let bench = Bench()
        let connection = bench.connect()
        let pings = permanent((1...Bench.batch).flatMap(Frames.ping))
        let reply = Frames.size(ofFields: Frames.field(1, 1).count + Frames.field(2, 1).count)
        return Workload(outputOfRound: Bench.batch * reply, output: { bench.bytesToApps }) {
            bench.receive(pings, from: connection)
            bench.flushApps()
        }
    },
]

/// Publishes go through a splitter and the decoder, and no further.
private final class Decoding {
    private var splitter = FrameSplitter()
    private(set) var payloadBytes = 0

    func read(_ bytes: UnsafeRawBufferPointer) {
        do throws(FrameSplitter.Violation) {
            try splitter.feed(bytes) {
                1 << 20
            } consume: { body in
                if let publish = PlainPublish(body) { payloadBytes += publish.payload.count }
                return .goOn
            }
        } catch {
            fatalError("a frame of a bad length")
        }
    }
}

private func decoding(piecesOf size: Int?) -> Workload {
    let decoding = Decoding()
    let frames = permanent(Frames.publishes(Bench.batch))
    let pieces = stride(from: 0, to: frames.count, by: size ?? frames.count).map {
        UnsafeRawBufferPointer(rebasing: frames[$0..<min($0 + (size ?? frames.count), frames.count)])
    }
    let output = Bench.batch * Frames.payload.count
    return Workload(outputOfRound: output, output: { decoding.payloadBytes }) {
        for piece in pieces { decoding.read(piece) }
    }
}
