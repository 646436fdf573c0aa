import Testing

@testable import Configuration

@Suite struct UnknownVariableTests {
    /// The outcome with these variables and a prefix.
    private func outcome(_ environment: [String: String]) -> Result<RelayConfiguration, ConfigurationErrors> {
        outcomeOfParse([:], environment.merging(["HUBRELAY_PREFIX": "x:"]) { given, _ in given })
    }

    @Test func itIsRefusedWithTheNearestNameAndWithoutItsValue() {
        #expect(
            outcome(["HUBRELAY_REDIS_PASSWORT": "hunter2"]).error
                == "HUBRELAY_REDIS_PASSWORT: there is no such setting, the nearest is HUBRELAY_REDIS_PASSWORD; allowed: "
                + "those in hubrelay serve --help, and any other with HUBRELAY_ALLOW_UNKNOWN=true")
        #expect(
            outcome(["HUBRELAY_ENTIRELY_DIFFERENT_THINGS": "x"]).error
                == "HUBRELAY_ENTIRELY_DIFFERENT_THINGS: there is no such setting; allowed: "
                + "those in hubrelay serve --help, and any other with HUBRELAY_ALLOW_UNKNOWN=true")
    }

    @Test func thoseThatAreOthersOrKnownPass() throws {
        let known = [
            "HUBRELAY_TIMEOUT": "1s", "PATH": "/", "HUBRELAYS": "x", "OTHER_HUBRELAY_X": "y", "hubrelay_x": "z",
        ]
        #expect(try outcome(known).get().warnings.isEmpty)
        #expect(
            Setting.unknownVariables(among: (Setting.all + Setting.variablesOnly).map(\.environmentName)).isEmpty)
        // The flag `--count` has no variable.
        #expect(outcome(["HUBRELAY_COUNT": "1"]).error?.hasPrefix("HUBRELAY_COUNT: ") == true)
        #expect(outcome(["HUBRELAY_": "1"]).error?.hasPrefix("HUBRELAY_: ") == true)
    }

    @Test func theyCanBeLetPass() throws {
        let unknown = ["HUBRELAY_SOKET": "/s", "HUBRELAY_ALLOW_UNKNOWN": "true"]
        #expect(try outcome(unknown).get().warnings == ["the variable HUBRELAY_SOKET is not a setting"])
        #expect(outcome(unknown.merging(["HUBRELAY_ALLOW_UNKNOWN": "false"]) { $1 }).error?.contains("SOKET") == true)
        #expect(
            outcome(["HUBRELAY_ALLOW_UNKNOWN": "on"]).error
                == "HUBRELAY_ALLOW_UNKNOWN: \"on\" is neither true nor false; allowed: true or false (or 1, 0, yes, no)"
        )
    }

    @Test(arguments: [
        ("HUBRELAY_PREFIKS", "HUBRELAY_PREFIX"), ("HUBRELAY_SOKET", "HUBRELAY_SOCKET"),
        ("HUBRELAY_REDIS_URL", "HUBRELAY_REDIS"), ("HUBRELAY_REDIS_HOST", "HUBRELAY_REDIS"),
        ("HUBRELAY_SOCKET_PATH", "HUBRELAY_SOCKET"), ("HUBRELAY_LOGLEVEL", "HUBRELAY_LOG_LEVEL"),
        ("HUBRELAY_CHANNEL_PREFIX", "HUBRELAY_PREFIX"), ("HUBRELAY_REDIS_PASSWORDFILE", "HUBRELAY_REDIS_PASSWORD_FILE"),
        ("HUBRELAY_RDEIS", "HUBRELAY_REDIS"), ("HUBRELAY_HTPT", "HUBRELAY_HTTP"),
        ("HUBRELAY_PASSWORD_REDIS", "HUBRELAY_REDIS_PASSWORD"), ("HUBRELAY_NO_PREFIX", "HUBRELAY_PREFIX"),
    ])
    func theNearestIsWhatWasMostLikelyMeant(typed: String, meant: String) {
        #expect(Setting.nearestVariable(to: typed) == meant)
    }

    @Test func lettersThatDifferAreCounted() {
        for (one, other, distance) in [
            ("", "", 0), ("abc", "abc", 0), ("", "abc", 3), ("abc", "abd", 1), ("abc", "ac", 1), ("ac", "abc", 1),
            ("abcd", "acbd", 1), ("kitten", "sitting", 3), ("ab", "ba", 1),
        ] {
            #expect(editDistance(one, other) == distance && editDistance(other, one) == distance, "\(one) \(other)")
        }
    }

    // MARK: Kubernetes

    /// The variables that a container gets for a Service named hubrelay with a named port.
    private static let service = [
        "HUBRELAY_SERVICE_HOST": "10.96.12.7", "HUBRELAY_SERVICE_PORT": "8379", "HUBRELAY_SERVICE_PORT_HTTP": "8379",
        "HUBRELAY_PORT": "tcp://10.96.12.7:8379", "HUBRELAY_PORT_8379_TCP": "tcp://10.96.12.7:8379",
        "HUBRELAY_PORT_8379_TCP_PROTO": "tcp", "HUBRELAY_PORT_8379_TCP_PORT": "8379",
        "HUBRELAY_PORT_8379_TCP_ADDR": "10.96.12.7",
    ]

    /// The same variables for a Service named hubrelay-http, with UDP and IPv6.
    private static let other = [
        "HUBRELAY_HTTP_SERVICE_HOST": "fd00::7", "HUBRELAY_HTTP_SERVICE_PORT": "53",
        "HUBRELAY_HTTP_PORT": "udp://[fd00::7]:53", "HUBRELAY_HTTP_PORT_53_UDP": "udp://[fd00::7]:53",
        "HUBRELAY_HTTP_PORT_53_UDP_PROTO": "udp", "HUBRELAY_HTTP_PORT_53_UDP_PORT": "53",
        "HUBRELAY_HTTP_PORT_53_UDP_ADDR": "fd00::7",
    ]

    @Test func thoseOfAServiceStopNoRelayAndAreTold() throws {
        let warnings = try outcome(Self.service.merging(Self.other) { $1 }).get().warnings
        #expect(warnings.count == 2)
        #expect(
            warnings.first
                == "the variables HUBRELAY_PORT..., HUBRELAY_SERVICE_... are from Kubernetes, for a Service, "
                + "and not settings; enableServiceLinks: false in the Pod removes them")
        #expect(warnings.last?.contains("HUBRELAY_HTTP_SERVICE_") == true)
        // A setting next to these variables takes effect.
        let http = try outcome(Self.other.merging(["HUBRELAY_HTTP": "off"]) { $1 }).get()
        #expect(http.http == .off && http.warnings.count == 1)
    }

    @Test(arguments: [
        "HUBRELAY_PORT_8379", "HUBRELAY_PORT_8379_HTTP", "HUBRELAY_PORT_8379_TCP_HOST", "HUBRELAY_PORT_0_TCP",
        "HUBRELAY_PORT_8379_TCP_ADDR_X", "HUBRELAY_SERVICE_PORTS", "HUBRELAY_SERVICE_PORT_", "HUBRELAY_SERVICE",
        "HUBRELAY_X_PORT", "HUBRELAY_PORTS", "HUBRELAY_PORT_x_TCP",
    ])
    func whatKubernetesDoesNotSetIsRefusedBesideThem(name: String) {
        let error = outcome(Self.service.merging([name: "tcp://10.96.12.7:8379"]) { $1 }).error
        #expect(error?.hasPrefix("\(name): ") == true && error?.contains("\n") == false)
    }

    /// Kubernetes sets all of these variables or none, and HUBRELAY_PORT is a URL.
    @Test func thoseThatAPersonHasSetAreRefused() {
        #expect(outcome(["HUBRELAY_PORT": "8379"]).error?.hasPrefix("HUBRELAY_PORT: ") == true)
        #expect(outcome(["HUBRELAY_PORT": "tcp://10.96.12.7:8379"]).error?.hasPrefix("HUBRELAY_PORT: ") == true)
        #expect(outcome(["HUBRELAY_SERVICE_HOST": "h"]).error?.hasPrefix("HUBRELAY_SERVICE_HOST: ") == true)
        let lone = Self.service.filter { ["HUBRELAY_SERVICE_HOST", "HUBRELAY_PORT"].contains($0.key) }
        #expect(outcome(lone).error?.split(separator: "\n").count == 2)
        let number = outcome(Self.service.merging(["HUBRELAY_PORT": "8379"]) { $1 }).error
        #expect(number?.split(separator: "\n").count == Self.service.count)
    }
}
