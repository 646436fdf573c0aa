internal import BenchmarkLoad
internal import BenchmarkReport
internal import EventLoop
internal import Glibc
internal import Posix

/// All rounds of all workloads.
struct BenchSession {
    private let workloads: [Workload]
    private let options: SelectionOptions
    private let choice: TargetOptions.Choice
    private let newRecorder: () -> any LatencyRecorder

    init(
        _ workloads: [Workload], _ options: SelectionOptions, _ choice: TargetOptions.Choice,
        newRecorder: @escaping () -> any LatencyRecorder
    ) {
        (self.workloads, self.options, self.choice, self.newRecorder) = (workloads, options, choice, newRecorder)
    }

    /// Runs everything, and ends the servers that it has started, even if it fails or is interrupted.
    /// - Throws: `BenchmarkFailure`.
    func run() throws(BenchmarkFailure) -> Report {
        let descriptors = DescriptorLimit.raiseAndGet()
        if let most = workloads.compactMap(\.parameters.connections).max(), most + 100 > descriptors {
            Output.say("\(descriptors) descriptors are too few for \(most) connections: raise `ulimit -Hn`")
        }
        let driver = try newDriver()
        defer { driver.close() }
        return try run(driver)
    }

    private func run(_ driver: Driver) throws(BenchmarkFailure) -> Report {
        let servers: Servers =
            switch choice {
            case .own(let binary, let isByTLS): try PrivateServers(binary: binary, isByTLS: isByTLS)
            case .installed(let socket, let redis):
                try InstalledServers(socketPath: socket, redis: redis, driver: driver, say: Output.say)
            }
        defer { servers.end() }
        let began = Clock.unixMilliseconds()
        let stage = Stage(
            driver: driver, servers: servers, seconds: options.seconds, warmUp: options.warmUp,
            newRecorder: newRecorder)
        let placement = try Placement(servers, pins: !options.noPin)
        let measurements = try measure(stage, placement)
        return Report(
            machine: .here(), versions: Versions(hubrelay: driver.relayVersion, redis: servers.redisVersion),
            date: Clock.iso8601(unixMilliseconds: began), pinned: placement.isPinning,
            isRelayByTLS: servers.isRelayByTLS, measurements: measurements)
    }

    private func newDriver() throws(BenchmarkFailure) -> Driver {
        do throws(LoopError) {
            return try Driver(endingOn: [SIGINT, SIGTERM])
        } catch {
            throw BenchmarkFailure("\(error)")
        }
    }

    private func measure(_ stage: Stage, _ placement: Placement) throws(BenchmarkFailure) -> [Measurement] {
        var measurements: [Measurement] = []
        for round in 1...options.roundCount {
            var needsNew = true
            for workload in workloads {
                for target in targets(of: stage.servers, in: round) {
                    if needsNew || (workload.needsFreshServers && target == .relay) {
                        try stage.servers.startAnew(stage.driver)
                        needsNew = false
                    }
                    placement.place(workload)
                    Output.say("round \(round) of \(options.roundCount): \(workload.name), \(target.rawValue)")
                    measurements.append(try workload.run(on: target, round: round, stage: stage))
                }
            }
        }
        return measurements
    }

    /// The target that is first finds the other one's leftovers in the caches. So the targets take turns.
    private func targets(of servers: Servers, in round: Int) -> [Target] {
        if servers.isRelayAlone { return [.relay] }
        return round.isMultiple(of: 2) ? [.direct, .relay] : [.relay, .direct]
    }
}
