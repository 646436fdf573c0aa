// swift-tools-version: 6.2
import PackageDescription

// The benchmark is a package of its own, so that those who build the relay need nothing that only the benchmark needs.
// The relay's targets that it uses are defined here again, made of the relay's files (`./link` puts links to them into
// `relay`). They cannot be imported from the relay's package, because their `package` declarations are visible only
// there.

// The same settings as in the relay's Package.swift, which has the reasons.
var settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]
if Context.environment["WARNINGS_AS_ERRORS"] != nil { settings.append(.treatAllWarnings(as: .error)) }
let releaseLinking: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld"], .when(configuration: .release))]

let package = Package(
    name: "hubrelay-benchmark",
    products: [.executable(name: "hubrelay-bench", targets: ["hubrelay-bench"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ],
    targets: [
        // The targets of the relay, as far as they are needed.
        .systemLibrary(name: "CLibuv", path: "relay/CLibuv"),
        .systemLibrary(name: "CHiredis", path: "relay/CHiredis"),
        .systemLibrary(name: "CPosix", path: "relay/CPosix"),
        .target(name: "Configuration", path: "relay/Configuration", swiftSettings: settings),
        .target(name: "RelayCore", path: "relay/RelayCore", swiftSettings: settings),
        .target(name: "Posix", dependencies: ["CPosix"], path: "relay/Posix", swiftSettings: settings),
        .target(name: "TextFormats", path: "relay/TextFormats", swiftSettings: settings),
        .target(name: "EventLoop", dependencies: ["CLibuv"], path: "relay/EventLoop", swiftSettings: settings),
        .target(name: "RESP", path: "relay/RESP", swiftSettings: settings),
        .target(
            name: "RedisWire", dependencies: ["CHiredis", "RESP"], path: "relay/RedisWire", swiftSettings: settings),

        .systemLibrary(name: "CBenchmark"),
        // Pure: it gets what was measured, and returns texts for people and programs.
        .target(name: "BenchmarkReport", dependencies: ["TextFormats"], swiftSettings: settings),
        .target(
            name: "BenchmarkLoad",
            dependencies: ["BenchmarkReport", "RelayCore", "RESP", "RedisWire", "EventLoop", "Posix", "CBenchmark"],
            swiftSettings: settings),
        .executableTarget(
            name: "hubrelay-bench",
            dependencies: [
                "BenchmarkLoad", "BenchmarkReport", "Configuration", "EventLoop", "Posix",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings, linkerSettings: releaseLinking),

        .testTarget(
            name: "BenchmarkLoadTests",
            dependencies: ["BenchmarkLoad", "BenchmarkReport", "RelayCore", "RESP", "RedisWire"],
            path: "Tests/BenchmarkLoad",
            swiftSettings: settings),
        .testTarget(
            name: "BenchmarkReportTests", dependencies: ["BenchmarkReport"], path: "Tests/BenchmarkReport",
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
