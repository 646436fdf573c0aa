internal import BenchmarkReport
internal import Glibc
internal import Posix

/// The measured part of a run: how long it took, and how much processor time each process used in it.
struct Interval {
    private struct Reading {
        var time = Clock.monotonicNanoseconds()
        var relay: ProcessUsage?
        var redis: ProcessUsage?
        var generator: ProcessUsage?
    }

    private let servers: Servers
    private let begin: Reading
    private var end: Reading

    /// Begins the interval.
    init(_ servers: Servers) {
        self.servers = servers
        begin = Self.read(servers)
        end = begin
    }

    /// Ends the interval.
    mutating func finish() { end = Self.read(servers) }

    var seconds: Double { Double(end.time - begin.time) / 1e9 }

    /// When it began: monotonic nanoseconds.
    var start: UInt64 { begin.time }

    /// Enters what was measured. A relay that took no part is left out.
    func enter(into measurement: inout Measurement) {
        measurement.seconds = seconds
        measurement.redisCPU = Self.difference(begin.redis, end.redis)
        measurement.generatorCPU = Self.difference(begin.generator, end.generator)
        if measurement.target == .relay { measurement.relayCPU = Self.difference(begin.relay, end.relay) }
    }

    private static func read(_ servers: Servers) -> Reading {
        Reading(
            relay: servers.relayPID.flatMap { ProcessUsage.read(of: $0) },
            redis: servers.redisPID.flatMap { ProcessUsage.read(of: $0) },
            generator: ProcessUsage.read(of: getpid()))
    }

    private static func difference(_ begin: ProcessUsage?, _ end: ProcessUsage?) -> ProcessorTime? {
        guard let begin, let end else { return nil }
        return end.since(begin)
    }
}
