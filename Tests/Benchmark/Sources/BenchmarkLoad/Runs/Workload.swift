package import BenchmarkReport

/// What is sent through the servers, and how much at a time.
package struct Workload: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// Each connection keeps a window of unanswered publishes.
        case publish(connections: Int, window: Int)
        /// One connection publishes on channels at random, with a window of messages that some subscriber does not have
        /// yet. All subscribers have all channels.
        case fanOut(subscribers: Int, window: Int, channels: Int)
        /// Like `fanOut` on one channel, with a fixed number of messages a second, whatever happens to those before.
        case fixedRate(Int)
        /// The connections are opened, and do nothing.
        case idle(connections: Int)
        /// Connections are opened, publish once and are closed, `parallel` of them at a time.
        case short(parallel: Int)
    }

    package let name: String
    package let group: WorkloadGroup
    let kind: Kind
    var payloadBytes = 200

    /// A figure of memory means something only for processes that have not served anything yet.
    package var needsFreshServers: Bool { group == .idleConnections || held != nil }

    /// If wakeups between processors belong to what is measured, nothing is pinned to one processor.
    package var mayBePinned: Bool { group != .latency }

    /// What the relay holds at the end of the run, if its memory is of interest.
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

    /// Runs the workload once.
    /// - Throws: `BenchmarkFailure` if a server cannot be reached, or refuses what was asked. What happened to single
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
