import RESP
import RedisWire
import RelayCore

/// From an app's Publish to the bytes for Redis, and from Redis's answer to the Reply.
let publishCases = [
    Benchmark(name: "publish-1", operations: messages) { publishing(aTurn: 1) },
    Benchmark(name: "publish-32", operations: messages) { publishing(aTurn: 32) },
    Benchmark(name: "publish-32-sharded", operations: messages) { publishing(aTurn: 32, isSharded: true) },
    Benchmark(name: "reply-1", operations: messages) { answering(aTurn: 1) },
    Benchmark(name: "reply-32", operations: messages) { answering(aTurn: 32) },
    Benchmark(name: "marker", operations: messages) { marking() },
]

/// The messages of one round, which takes as many turns as they need.
private let messages = 32

/// Enough rounds to warm up and to measure.
private let rounds = 320

/// The publishes are never answered, and there is room for all of them: as many have been in flight before.
private func publishing(aTurn count: Int, isSharded: Bool = false) -> Workload {
    let bench = Bench(isSharded: isSharded)
    let connection = bench.connect()
    let frames = permanent(Frames.publishes(count))
    for _ in 0..<rounds * messages / count { bench.receive(frames, from: connection) }
    for _ in 0..<rounds * messages { _ = bench.hub.publishAnswered(receivers: 0, by: bench.node) }
    bench.flushPublishes(to: bench.node)
    bench.flushApps()
    let command = Frames.resp(
        Array((isSharded ? "SPUBLISH" : "PUBLISH").utf8), Array((Bench.prefix + Frames.channel).utf8), Frames.payload)
    return Workload(outputOfRound: messages * command.count, output: { bench.bytesToRedis }) {
        for _ in 0..<messages / count {
            bench.receive(frames, from: connection)
            bench.flushPublishes(to: bench.node)
        }
    }
}

/// All publishes are in flight before the rounds begin.
private func answering(aTurn count: Int) -> Workload {
    let bench = Bench()
    let connection = bench.connect()
    let frames = permanent(Frames.publishes(messages))
    for _ in 0..<rounds { bench.receive(frames, from: connection) }
    bench.flushPublishes(to: bench.node)
    let reply = Frames.size(ofFields: (Frames.field(1, 1) + Frames.field(2, 1) + Frames.field(3, 3)).count)
    return Workload(outputOfRound: messages * reply, output: { bench.bytesToApps }) {
        for _ in 0..<messages / count {
            for _ in 0..<count { _ = bench.hub.publishAnswered(receivers: 3, by: bench.node) }
            bench.flushApps()
        }
    }
}

/// Markers, each of which is answered before the next one is sent.
private func marking() -> Workload {
    let bench = Bench()
    let sink = MarkerSink(bench)
    let reader = ReplyReader(sink: sink)
    let answers = (1...rounds * messages).map { number in
        let token = PingToken.text(of: UInt64(number))
        return permanent(Array("$\(token.utf8.count)\r\n\(token)\r\n".utf8))
    }
    return Workload(outputOfRound: messages, output: { sink.count }) {
        for _ in 0..<messages {
            guard bench.node.publishes.mark() else { fatalError("there is room") }
            bench.flushPublishes(to: bench.node)
            do throws(ReplyError) { try reader.feed(answers[sink.count]) } catch { fatalError("\(error)") }
        }
    }
}

/// Counts the answers to markers that belong to the oldest command.
private final class MarkerSink: ReplySink {
    private let bench: Bench
    private(set) var count = 0

    init(_ bench: Bench) { self.bench = bench }

    override func reply(_ value: RedisValue) {
        guard case .marker(let number)? = bench.hub.publishRefused("", by: bench.node), case .bulk(let token) = value,
            token == PingToken.bytes(of: number)
        else { fatalError("not what was asked") }
        count += 1
    }
}
