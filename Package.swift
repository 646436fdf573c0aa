// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // Exclusivity checks on class properties cost 80 % on the whole relay. Debug and sanitizer builds keep them: what
    // they would stop is undefined behavior in a release.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
    // So that the linker can put functions in order, and leave out what nobody calls.
    .unsafeFlags(["-Xfrontend", "-function-sections"], .when(configuration: .release)),
]

// lld: the default linker warns of `mktemp` in the static FoundationEssentials that comes with the argument parser; and
// what nobody calls is left out.
let releaseLinking: [LinkerSetting] = [
    .unsafeFlags(["-use-ld=lld", "-Xlinker", "--gc-sections"], .when(configuration: .release))
]
// What runs for messages lies together, in as few cache lines and pages as may be: between two of them others have had the
// processor, and its caches. Tests/hot-functions writes the list; a name in it that is no more is passed over.
let hotFunctions = "\(Context.packageDirectory)/Sources/hubrelay/hot-functions.txt"
let relayLinking =
    releaseLinking + [
        .unsafeFlags(
            ["-Xlinker", "--symbol-ordering-file=\(hotFunctions)", "-Xlinker", "--no-warn-symbol-ordering"],
            .when(configuration: .release))
    ]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let histogram: Target.Dependency = .product(
    name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Benchmark"]))
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
    name: "hubrelay",
    products: [
        .executable(name: "hubrelay", targets: ["hubrelay"]),
        .executable(name: "hubrelay-bench", targets: ["hubrelay-bench"]),
    ],
    // What only the benchmark needs is resolved and fetched only where somebody builds the benchmark (Tests/bench):
    // SwiftPM leaves out a dependency whose every use is under a trait that is off.
    traits: [.trait(name: "Benchmark", description: "hubrelay-bench can measure, by HdrHistogram.")],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        // For the tests alone: the oracle that our own frame codec is compared with.
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // System libraries: a module map and a shim header each. Every one is imported by one target only.
        .systemLibrary(name: "CLibuv"),
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CMicrohttpd"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CPosix"),
        .systemLibrary(name: "CBenchmark"),

        // Pure: flags and environment in, a checked configuration out.
        .target(name: "Configuration", swiftSettings: settings),
        .target(name: "RelayCore", swiftSettings: settings),
        .target(name: "Posix", dependencies: ["CPosix"], swiftSettings: settings),
        .target(name: "TextFormats", swiftSettings: settings),
        // Pure: what the benchmark measured in, texts for people and programs out.
        .target(name: "BenchmarkReport", dependencies: ["TextFormats"], swiftSettings: settings),
        .target(name: "EventLoop", dependencies: ["CLibuv"], swiftSettings: settings),
        .target(name: "RedisWire", dependencies: ["CHiredis"], swiftSettings: settings),
        .target(name: "TLS", dependencies: ["COpenSSL", "Posix"], swiftSettings: settings),
        .target(name: "AdminHTTP", dependencies: ["CMicrohttpd"], swiftSettings: settings),
        .target(
            name: "Relay",
            dependencies: [
                "Configuration", "RelayCore", "Posix", "EventLoop", "TLS", "RedisWire", "AdminHTTP", "TextFormats",
                logging,
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "hubrelay",
            dependencies: [
                "Configuration", "Relay", "RelayCore", "Posix", "TextFormats", argumentParser, logging,
            ],
            exclude: ["hot-functions.txt"], swiftSettings: settings, linkerSettings: relayLinking),

        // The benchmark, which is no part of the relay. All of it but the histograms is built, and tested, without them.
        .target(
            name: "BenchmarkLoad",
            dependencies: ["BenchmarkReport", "RelayCore", "RedisWire", "EventLoop", "Posix", "CBenchmark"],
            swiftSettings: settings),
        .executableTarget(
            name: "hubrelay-bench",
            dependencies: [
                "BenchmarkLoad", "BenchmarkReport", "Configuration", "EventLoop", "Posix", argumentParser, histogram,
            ],
            swiftSettings: settings, linkerSettings: releaseLinking),

        .target(
            name: "TestSupport", dependencies: [protobuf], path: "Tests/Support", swiftSettings: settings),
        .testTarget(
            name: "ConfigurationTests", dependencies: ["Configuration"], path: "Tests/Configuration",
            swiftSettings: settings),
        .testTarget(
            name: "CommandsTests",
            dependencies: ["hubrelay", "Configuration", "TestSupport", protobuf, logging],
            path: "Tests/Commands", swiftSettings: settings),
        .testTarget(
            name: "RelayCoreTests", dependencies: ["RelayCore", "TestSupport", protobuf],
            path: "Tests/RelayCore", swiftSettings: settings),
        .testTarget(
            name: "RelayTests", dependencies: ["Relay", "RelayCore", "RedisWire", "TestSupport"],
            path: "Tests/Relay", swiftSettings: settings),
        .testTarget(
            name: "EventLoopTests", dependencies: ["EventLoop", "Posix"], path: "Tests/EventLoop",
            swiftSettings: settings),
        .testTarget(
            name: "RedisWireTests", dependencies: ["RedisWire", "TestSupport"], path: "Tests/RedisWire",
            swiftSettings: settings),
        .testTarget(
            name: "TLSTests", dependencies: ["TLS", "TestSupport"], path: "Tests/TLS", swiftSettings: settings),
        .testTarget(
            name: "PosixTests", dependencies: ["Posix"], path: "Tests/Posix", swiftSettings: settings),
        .testTarget(
            name: "AdminHTTPTests", dependencies: ["AdminHTTP", "Posix"], path: "Tests/AdminHTTP",
            swiftSettings: settings),
        .testTarget(
            name: "TextFormatsTests", dependencies: ["TextFormats"], path: "Tests/TextFormats",
            swiftSettings: settings),
        .testTarget(
            name: "BenchmarkLoadTests",
            dependencies: ["BenchmarkLoad", "BenchmarkReport", "RelayCore", "RedisWire"], path: "Tests/Benchmark",
            exclude: ["README.md"], swiftSettings: settings),
        .testTarget(
            name: "BenchmarkReportTests", dependencies: ["BenchmarkReport"], path: "Tests/BenchmarkReport",
            swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests", dependencies: ["TestSupport", "hubrelay", protobuf],
            path: "Tests/Integration", swiftSettings: settings),
        // The faults that the relay has to survive, made with real processes and real networks.
        .testTarget(
            name: "FaultTests", dependencies: ["TestSupport", "hubrelay", protobuf], path: "Tests/Faults",
            exclude: ["README.md"], swiftSettings: settings),
        // The hot path without its sockets, for counting instructions and allocations.
        .executableTarget(
            name: "hubrelay-microbenchmarks", dependencies: ["RelayCore", "RedisWire"], path: "Tests/Microbenchmarks",
            exclude: ["Baselines", "README.md", "run"], swiftSettings: settings, linkerSettings: releaseLinking),
    ],
    swiftLanguageModes: [.v6]
)
