import RelayCore

/// A name comes and goes: Subscribe, what Redis is told and answers, the Reply; then the same for Unsubscribe.
let subscriptionCases = [
    Benchmark(name: "subscribe-unsubscribe", operations: repetitions) {
        let bench = Bench()
        let slot = bench.connect()
        let subscribe = permanent(Frames.subscribe([Frames.channel]))
        let unsubscribe = permanent(Frames.unsubscribe(Frames.channel))
        // Redis confirms both.
        return Workload(outputOfRound: repetitions * 2, output: { bench.confirmations }) {
            for number in 0..<repetitions * 2 {
                bench.hub.receive(number % 2 == 0 ? subscribe : unsubscribe, from: slot)
                bench.answerSubscribes()
                bench.flushApps()
            }
        }
    }
]

/// In one round.
private let repetitions = 8
