internal import ArgumentParser
internal import BenchmarkLoad
internal import Glibc

/// Which workloads run, how often and for how long.
struct SelectionOptions: ParsableArguments {
    @Flag(help: "Show how costs grow: with connections, channels, payloads, subscribers, short connections, rates.")
    var scale = false
    @Flag(help: "3 rounds of 0.15 s each, unless --rounds and --secs say otherwise.") var quick = false
    @Option(help: "How often everything is run, 1 to 1000; figures are medians. (default: 5)") var rounds: Int?
    @Option(help: "Seconds that each run is measured, 0.05 to 3600; fixed rates three times that. (default: 0.7)")
    var secs: Double?
    @Option(help: "Only workloads whose names match this regular expression.") var only: String?
    @Flag(help: "Don't pin everything but the latency workloads to one processor.") var noPin = false
    @Flag(help: "Print the names of the workloads, and run none.") var list = false

    func validate() throws {
        if let rounds, !(1...1000).contains(rounds) {
            throw ValidationError("--rounds \(rounds): give a number from 1 to 1000")
        }
        if let secs, !(0.05...3600).contains(secs) {
            throw ValidationError("--secs \(secs): give a number from 0.05 to 3600")
        }
    }

    var roundCount: Int { rounds ?? (quick ? 3 : 5) }
    var seconds: Double { secs ?? (quick ? 0.15 : 0.7) }
    /// Seconds.
    var warmUp: Double { min(0.2, seconds / 3) }

    /// - Throws: ``Failure`` for text that is not a regular expression, or matches nothing.
    func workloads() throws(Failure) -> [Workload] {
        let all = scale ? Workload.scale : Workload.standard
        guard let only else { return all }
        guard let regex = try? Regex(only) else {
            throw .usage("--only '\(only)' is no regular expression")
        }
        let chosen = all.filter { $0.name.contains(regex) }
        guard !chosen.isEmpty else {
            throw .usage("--only '\(only)' matches no workload; --list has the names, with --scale those of --scale")
        }
        return chosen
    }
}

/// Which servers are measured.
struct TargetOptions: ParsableArguments {
    @Option(help: "The hubrelay to start. (default: the one beside this program, or else .build/release/hubrelay)")
    var relay: String?
    @Flag(help: "Let that relay reach its Redis by TLS; direct connections stay without.") var tls = false
    @Option(help: "Start nothing, and measure the relay that listens on this socket.") var socket: String?
    @Option(
        help: """
            The Redis behind that relay, HOST:PORT with a numeric host: for direct runs, and its processor time. \
            Without it only the relay is measured.
            """)
    var redis: String?

    /// The servers to measure, checked as far as possible without starting anything.
    enum Choice {
        case own(binary: String, isByTLS: Bool)
        case installed(socket: String, redis: RedisServerAddress?)
    }

    /// - Throws: ``Failure`` for options that contradict each other.
    func check() throws(Failure) -> Choice {
        guard let socket else {
            guard redis == nil else { throw .usage("--redis is for --socket; without it a private Redis is started") }
            return .own(binary: relay ?? Self.defaultRelay, isByTLS: tls)
        }
        guard !tls else { throw .usage("--tls is for a relay that is started; the one at --socket is as it is") }
        guard relay == nil else { throw .usage("give --relay or --socket: it is either started, or there already") }
        guard let redis else { return .installed(socket: socket, redis: nil) }
        guard let address = RedisServerAddress(redis) else {
            throw .usage("--redis '\(redis)': give HOST:PORT, with a numeric address such as 127.0.0.1:6379")
        }
        return .installed(socket: socket, redis: address)
    }

    private static var defaultRelay: String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count)
        let own = String(decoding: path.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let beside = own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/hubrelay"
        return access(beside, X_OK) == 0 ? beside : ".build/release/hubrelay"
    }
}
