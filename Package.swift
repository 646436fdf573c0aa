// swift-tools-version: 6.2
import PackageDescription

var settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // Exclusivity checks on class properties cost 80 % on the whole relay. Debug and sanitizer builds keep them: what
    // they would stop is undefined behavior in a release.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
    // So that the linker can put functions in order, and leave out what nobody calls.
    .unsafeFlags(["-Xfrontend", "-function-sections"], .when(configuration: .release)),
]

// A warning is an error for those who change the relay: Tests/run sets the variable. It is none for those who build it
// with next year's compiler, which warns of more.
if Context.environment["WARNINGS_AS_ERRORS"] != nil { settings.append(.treatAllWarnings(as: .error)) }

// lld: the default linker warns of `mktemp` in the static FoundationEssentials that comes with the argument parser. What
// nobody calls SwiftPM lets the linker leave out, unasked.
let releaseLinking: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld"], .when(configuration: .release))]
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
let protobuf: Target.Dependency = .product(
    name: "SwiftProtobuf", package: "swift-protobuf", condition: .when(traits: ["Tests"]))

let package = Package(
    name: "hubrelay",
    products: [.executable(name: "hubrelay", targets: ["hubrelay"])],
    // What only the tests need is fetched only for them: SwiftPM leaves out a dependency all of whose uses are under a
    // trait that is off.
    traits: [.trait(name: "Tests", description: "Needed to build the tests: fetches swift-protobuf.")],
    // Exactly these versions: this is a program, upon which no other package builds, so nobody needs a range; and
    // everybody gets what its tests were run with, also in years to come. No Package.resolved is needed for it.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        // For the tests alone: the oracle that our own frame codec is compared with.
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
    ],
    targets: [
        // System libraries: a module map and a shim header each. Every one is imported by one target only.
        .systemLibrary(name: "CLibuv"),
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CMicrohttpd"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CPosix"),

        // Pure: flags and environment in, a checked configuration out.
        .target(name: "Configuration", swiftSettings: settings),
        // Pure: the values and names of Redis's protocol that others speak of.
        .target(name: "RESP", swiftSettings: settings),
        // Pure: what the relay decides, from events and times in to actions out.
        .target(name: "RelayCore", dependencies: ["Configuration", "RESP"], swiftSettings: settings),
        .target(name: "Posix", dependencies: ["CPosix"], swiftSettings: settings),
        .target(name: "TextFormats", swiftSettings: settings),
        .target(name: "EventLoop", dependencies: ["CLibuv"], swiftSettings: settings),
        .target(name: "RedisWire", dependencies: ["CHiredis", "RESP"], swiftSettings: settings),
        .target(name: "TLS", dependencies: ["COpenSSL", "Posix"], swiftSettings: settings),
        .target(name: "AdminHTTP", dependencies: ["CMicrohttpd"], swiftSettings: settings),
        .target(
            name: "Relay",
            dependencies: [
                "Configuration", "RelayCore", "RESP", "Posix", "EventLoop", "TLS", "RedisWire", "AdminHTTP",
                "TextFormats",
                logging,
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "hubrelay",
            dependencies: [
                "Configuration", "Relay", "RelayCore", "Posix", "TextFormats", argumentParser, logging,
            ],
            exclude: ["hot-functions.txt"], swiftSettings: settings, linkerSettings: relayLinking),

        // Says how to build the tests where their trait is off. What needs the trait depends on it.
        .testTarget(name: "TestsTrait", path: "Tests/Trait"),
        // A test target, so that `swift build` leaves it out.
        .testTarget(
            name: "TestSupport", dependencies: ["TestsTrait", protobuf], path: "Tests/Support",
            swiftSettings: settings),
        .testTarget(
            name: "ConfigurationTests", dependencies: ["Configuration"], path: "Tests/Configuration",
            swiftSettings: settings),
        .testTarget(
            name: "CommandsTests",
            dependencies: [
                "hubrelay", "Configuration", "RelayCore", "TextFormats", "TestSupport", protobuf, logging,
            ],
            path: "Tests/Commands", swiftSettings: settings),
        .testTarget(
            name: "RelayCoreTests", dependencies: ["RelayCore", "Configuration", "RESP", "TestSupport", protobuf],
            path: "Tests/RelayCore", swiftSettings: settings),
        .testTarget(
            name: "RelayTests",
            dependencies: [
                "Relay", "RelayCore", "RESP", "RedisWire", "Configuration", "EventLoop", "Posix", "TestSupport",
                logging,
            ],
            path: "Tests/Relay", swiftSettings: settings),
        .testTarget(
            name: "EventLoopTests", dependencies: ["EventLoop", "Posix"], path: "Tests/EventLoop",
            swiftSettings: settings),
        .testTarget(
            name: "RedisWireTests", dependencies: ["RESP", "RedisWire", "TestSupport"], path: "Tests/RedisWire",
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
            name: "IntegrationTests", dependencies: ["TestSupport", "hubrelay", protobuf],
            path: "Tests/Integration", swiftSettings: settings),
        // The faults that the relay has to survive, made with real processes and real networks.
        .testTarget(
            name: "FaultTests", dependencies: ["TestSupport", "hubrelay", protobuf], path: "Tests/Faults",
            exclude: ["README.md"], swiftSettings: settings),
        // The hot path without its sockets, for counting instructions and allocations.
        .executableTarget(
            name: "hubrelay-microbenchmarks", dependencies: ["RelayCore", "RESP", "RedisWire"],
            path: "Tests/Microbenchmarks",
            exclude: ["Baselines", "README.md", "run"], swiftSettings: settings, linkerSettings: releaseLinking),
    ],
    swiftLanguageModes: [.v6]
)
