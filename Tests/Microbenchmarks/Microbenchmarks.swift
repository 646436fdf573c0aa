internal import Glibc

/// Runs one case of the hot path, so that `Tests/Microbenchmarks/run` can count what it does.
///
///     hubrelay-microbenchmarks                  lists the cases, each with how many operations are in a round
///     hubrelay-microbenchmarks CASE ROUNDS      runs one, 1 to 256 times
///
/// The exit code is 1 if the case did not do what it should have done, and 64 for arguments that make no sense.
@main
struct Microbenchmarks {
    static let cases =
        frameCases + publishCases + subscriptionCases + lookupCases + deliveryCases + hashSlotCases + replyReaderCases
        + listingCases

    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.isEmpty {
            for benchmark in cases { print("\(benchmark.name)\t\(benchmark.operations)") }
            return
        }
        guard arguments.count == 2, let benchmark = cases.first(where: { $0.name == arguments[1] }),
            let rounds = Int(arguments[2]), 1...Benchmark.maxRounds ~= rounds
        else {
            print("usage: hubrelay-microbenchmarks [CASE ROUNDS], ROUNDS up to \(Benchmark.maxRounds)")
            exit(64)
        }
        let workload = benchmark.prepare()
        let before = workload.output()
        for _ in 0..<rounds { workload.round() }
        let output = workload.output() - before
        guard output == rounds * workload.outputOfRound else {
            print("\(benchmark.name): put out \(output), not \(rounds) times \(workload.outputOfRound)")
            exit(1)
        }
    }
}

/// A part of the hot path, in the order in which the relay goes through it in a loop turn.
struct Benchmark: Sendable {
    static let maxRounds = 256

    let name: String
    /// How many things one round processes: messages, frames or names.
    let operations: Int
    /// Does the same however many rounds follow. Its work depends only on the case.
    let prepare: @Sendable () -> Workload
}

/// A case that is ready to run. More rounds mean more calls of `round`, and nothing else.
struct Workload {
    /// What one round adds to `output`. It is known from the format of the output, and not from a run of the round.
    let outputOfRound: Int
    /// The output so far, in bytes or things.
    let output: () -> Int
    let round: () -> Void
}
