import RelayCore

/// A name comes and goes: Subscribe, the command to Redis and its answer, the Reply; then the same for Unsubscribe.
let subscriptionCases = [
    Benchmark(name: "subscribe-unsubscribe", operations: repetitions) {
        let bench = Bench()
        let connection = bench.connect()
        let subscribe = permanent(Frames.subscribe([Frames.channel]))
        let unsubscribe = permanent(Frames.unsubscribe([Frames.channel]))
        // Redis confirms both.
        return Workload(outputOfRound: repetitions * 2, output: { bench.confirmations }) {
            for number in 0..<repetitions * 2 {
                bench.receive(number % 2 == 0 ? subscribe : unsubscribe, from: connection)
                bench.answerSubscribes()
                bench.flushApps()
            }
        }
    },
    // The cost of a frame grows with its names, but not with the number of others that hold them.
    Benchmark(name: "unsubscribe-among-100", operations: occurrences) {
        let bench = Bench()
        bench.subscribe(connections: 100, to: Frames.channel)
        let connection = bench.connect()
        let subscribe = permanent(Frames.subscribe([Frames.channel]))
        let unsubscribe = permanent(Frames.unsubscribe([String](repeating: Frames.channel, count: occurrences)))
        var left = 0
        return Workload(outputOfRound: 1, output: { left }) {
            for frame in [subscribe, unsubscribe] {
                bench.receive(frame, from: connection)
                bench.finishWork()
                bench.flushApps()
            }
            left += 1
        }
    },
]

/// How often a frame names one name.
private let occurrences = 256
/// The number of repetitions in one round.
private let repetitions = 8
