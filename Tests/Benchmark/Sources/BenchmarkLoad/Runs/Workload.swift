package import BenchmarkReport

/// What is sent through the servers, and how much of it at a time.
package struct Workload: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// So many connections each keep a window of unanswered publishes.
        case publish(connections: Int, window: Int)
        /// One connection publishes on channels at random, with a window of messages that not every subscriber has;
        /// all subscribers have all channels.
        case fanOut(subscribers: Int, window: Int, channels: Int)
        /// The same on one channel, with so many messages a second, whatever becomes of those before.
        case fixedRate(Int)
        /// So many connections are opened and do nothing.
        case idle(connections: Int)
        /// Connections are opened, publish once and are closed, so many at a time.
        case short(parallel: Int)
    }

    package let name: String
    package let group: WorkloadGroup
    let kind: Kind
    var payloadBytes = 200

    /// Memory says something only of processes that have not served anything yet.
    package var needsFreshServers: Bool { group == .idleConnections || held != nil }

    /// Where wakeups between processors belong to what is measured, nothing is pinned to one.
    package var mayBePinned: Bool { group != .latency }

    /// What the relay holds at the end of the run, where its memory is of interest.
    var held: MemoryUse.Held? {
        switch kind {
        case .idle(let connections): .connections(connections)
        case .fanOut(let subscribers, _, let channels) where channels > 1: .subscriptions(subscribers * channels)
        default: nil
        }
    }

    package var parameters: Parameters {
        switch kind {
        case .publish(let connections, let window):
            Parameters(connections: connections, channels: 1, payloadBytes: payloadBytes, window: window)
        case .fanOut(let subscribers, let window, let channels):
            Parameters(
                connections: subscribers + 1, channels: channels, payloadBytes: payloadBytes, subscribers: subscribers,
                window: window)
        case .fixedRate(let rate):
            Parameters(connections: 2, channels: 1, payloadBytes: payloadBytes, subscribers: 1, rate: rate)
        case .idle(let connections): Parameters(connections: connections)
        case .short(let parallel): Parameters(connections: parallel, channels: 1, payloadBytes: payloadBytes)
        }
    }

    /// Runs it once.
    /// - Throws: `BenchmarkFailure` when a server cannot be reached or refuses what was asked; what became of single
    ///   messages is in the measurement's counts.
    package func run(on target: Target, round: Int, stage: Stage) throws(BenchmarkFailure) -> Measurement {
        let run: Run =
            switch kind {
            case .publish(let connections, let window):
                PublishRun(self, target, stage, connections: connections, window: window)
            case .fanOut(let subscribers, let window, let channels):
                FanOutRun(self, target, stage, subscribers: subscribers, window: window, channels: channels)
            case .fixedRate(let rate): FixedRateRun(self, target, stage, rate: rate)
            case .idle(let connections): IdleRun(self, target, stage, count: connections)
            case .short(let parallel): ShortConnectionsRun(self, target, stage, parallel: parallel)
            }
        stage.driver.begin(run)
        try stage.settle()
        try run.measure()
        run.measurement.round = round
        try run.close()
        return run.measurement
    }
}
