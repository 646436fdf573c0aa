internal import Glibc

/// Runs one case of the hot path, so that `Tests/Microbenchmarks/run` can count what it does.
///
///     hubrelay-microbenchmarks                  lists the cases, each with how many operations are in a round
///     hubrelay-microbenchmarks CASE ROUNDS      runs one, 1 to 256 times
///
/// The exit code is 1 when the case did not do what it should have done, and 64 for arguments that make no sense.
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

/// A part of the hot path, as the relay goes through it in a loop turn.
struct Benchmark: Sendable {
    static let maxRounds = 256

    let name: String
    /// What is counted for, in one round: messages, frames, names.
    let operations: Int
    /// Does the same however many rounds will follow, and changes with the case alone.
    let prepare: @Sendable () -> Workload
}

/// A case that is ready to go. The more rounds, the more of this and nothing else.
struct Workload {
    /// What one round adds to `output`: known from the format of what comes out, and not by running the round.
    let outputOfRound: Int
    /// What has been put out so far, in bytes or things.
    let output: () -> Int
    let round: () -> Void
}
