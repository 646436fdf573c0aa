import Configuration
import TestSupport
import Testing

@Suite struct CommandLineTests {
    @Test func theVersionIsTheOneOfTheProtocolsWelcome() throws {
        #expect(try Program.run("--version") == Run(exit: .code(0), output: "hubrelay 0.2.0\n", errors: ""))
        #expect(hubrelayVersion == "0.2.0")
    }

    @Test func theHelpOfServeHasEverySettingWithRangeDefaultAndVariable() throws {
        let help = try Program.run("serve", "--help")
        #expect(help.exit == .code(0))
        let words = help.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for setting in Setting.all {
            let value = setting.kind == .switch ? "" : " <\(setting.placeholder)>"
            #expect(words.contains("\(setting.flag)\(value) \(setting.help)"), "\(setting.flag)")
        }
        // Every user of the machine can read the command line of a process.
        for setting in Setting.variablesOnly {
            #expect(!words.contains("\(setting.flag) ") && words.contains(setting.environmentName))
        }
    }

    @Test(arguments: [
        ("publish", ["--json", "--timeout", "--socket"]), ("subscribe", ["--json", "--timeout", "--socket"]),
        ("health", ["--json", "--timeout", "--socket", "--http", "--live"]),
        ("wait", ["--up", "--max", "--timeout", "--socket", "--http"]),
    ])
    func theHelpOfASmallCommandNamesItsOptions(command: String, options: [String]) throws {
        let help = try Program.run(command, "--help")
        #expect(help.exit == .code(0))
        for option in options {
            #expect(help.output.contains("  \(option)"), "\(option)")
        }
    }

    /// Takes seconds: one process for each of the settings.
    @Test(
        arguments: Setting.all.map(\.flag).filter {
            !["--prefix", "--redis-tls-insecure", "--take-over"].contains($0)
        })
    func aWrongValueOfServeIsOneLineAndCode64(flag: String) throws {
        let setting = try #require(Setting.all.first { $0.flag == flag })
        // Longer than any path or group may be, and neither a number nor an allowed word.
        let wrong = setting.kind == .path ? "" : "?" + String(repeating: " x", count: 100)
        let run = try Program.run("serve", "--prefix", "x", flag, wrong)
        #expect(run.exit == .code(64) && run.output.isEmpty)
        // Of a wrong URL, no part is shown that could be a secret.
        let shown = flag == "--redis" ? "***" : String(wrong.prefix(10))
        #expect(run.errors.hasPrefix("hubrelay: \(flag) (or \(setting.environmentName)): \"\(shown)"))
        #expect(run.errors.hasSuffix("; allowed: \(setting.allowed)\n"))
        #expect(run.errors.filter { $0 == "\n" }.count == 1)
    }

    @Test func aWrongVariableIsNamedByItsName() throws {
        let run = try Program.run("serve", "--prefix", "x", environment: ["HUBRELAY_WINDOW": "1\n2"])
        #expect(run.exit == .code(64))
        #expect(run.errors.hasPrefix(#"hubrelay: HUBRELAY_WINDOW (or --window): "1\n2" is not a size; allowed: "#))
    }

    @Test func thePrefixMustBeSaid() throws {
        let run = try Program.run("serve")
        #expect(run.exit == .code(64))
        #expect(run.errors.hasPrefix("hubrelay: --prefix (or HUBRELAY_PREFIX) is required; allowed: "))
    }

    @Test func howMessagesGoThroughAClusterMustBeSaid() throws {
        let run = try Program.run("serve", "--prefix", "x", "--redis", "redis-cluster://u:hunter2@h:7000,i")
        #expect(run.exit == .code(64))
        #expect(run.errors.hasPrefix("hubrelay: --cluster-pubsub (or HUBRELAY_CLUSTER_PUBSUB) is required, since "))
        for word in ["classic", "sharded", "SignalR", "patterns"] { #expect(run.errors.contains(word), "\(word)") }
        #expect(run.errors.filter { $0 == "\n" }.count == 1 && !run.errors.contains("hunter2"))
        let without = try Program.run("serve", "--prefix", "x", environment: ["HUBRELAY_CLUSTER_PUBSUB": "sharded"])
        #expect(without.exit == .code(64))
        #expect(
            without.errors.hasPrefix(
                "hubrelay: HUBRELAY_CLUSTER_PUBSUB (or --cluster-pubsub): there is no cluster in --redis; "))
    }

    @Test func eachFaultIsALine() throws {
        let run = try Program.run(
            "serve", "--window", "0", environment: ["HUBRELAY_SOKET": "/s", "HUBRELAY_PREFIX": ""])
        #expect(run.exit == .code(64) && run.output.isEmpty)
        let leads = run.errors.split(separator: "\n").map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
        #expect(leads == ["hubrelay: HUBRELAY_SOKET:", "hubrelay: HUBRELAY_PREFIX", "hubrelay: --window"])
    }

    @Test func aSwitchTakesNoValueAndItsVariableABoolean() throws {
        // The program continues to the next setting, which is wrong.
        let byFlag = try Program.run(
            "serve", "--prefix", "x", "--redis", "rediss://h", "--redis-tls-insecure", "--window", "0")
        #expect(byFlag.errors.hasPrefix("hubrelay: --window (or HUBRELAY_WINDOW): \"0\" is out of range"))
        let withoutTLS = try Program.run("serve", "--prefix", "x", "--redis-tls-insecure")
        #expect(
            withoutTLS.errors.hasPrefix(
                "hubrelay: --redis-tls-insecure (or HUBRELAY_REDIS_TLS_INSECURE): there is no TLS in --redis; allowed: "
            ))
        let byVariable = try Program.run(
            "serve", "--prefix", "x", environment: ["HUBRELAY_REDIS_TLS_INSECURE": "maybe"])
        #expect(byVariable.exit == .code(64))
        #expect(
            byVariable.errors.hasPrefix(
                "hubrelay: HUBRELAY_REDIS_TLS_INSECURE (or --redis-tls-insecure): \"maybe\" is neither true nor"))
    }

    @Test(arguments: ["redis-password", "sentinel-password"])
    func aSecretIsNoFlag(name: String) throws {
        let directory = try TemporaryDirectory()
        let process = try Program.start(["serve", "--\(name)", "hunter2"], in: directory)
        #expect(try process.waitForExit() == .code(64))
        #expect(process.errors.hasPrefix("Error: Unknown option '--\(name)'"))
        #expect(!process.errors.contains("hunter2"))
    }

    @Test(arguments: ["--prefix ''", "--prefix="])
    func theEmptyPrefixMayBeSaidInBothWays(prefix: String) throws {
        // The program continues to the next setting, which is wrong.
        let run = try Program.shell(#""$HUBRELAY" serve \#(prefix) --window 0"#)
        #expect(run.errors.hasPrefix("hubrelay: --window (or HUBRELAY_WINDOW): \"0\" is out of range"))
    }

    @Test func aPasswordInAWrongURLIsNotRepeated() throws {
        let run = try Program.run("serve", "--prefix", "x", "--redis", "redis://user:hunter2@host:port")
        #expect(run.exit == .code(64))
        #expect(run.errors.hasPrefix("hubrelay: --redis (or HUBRELAY_REDIS): \"redis://***@host:***\" has a port"))
        #expect(!run.errors.contains("hunter2"))
    }

    @Test(arguments: [["serve", "--no-such"], ["no-such"], ["publish"], ["subscribe"], ["health", "x"]])
    func whatIsNoCommandLineIsCode64(arguments: [String]) throws {
        let directory = try TemporaryDirectory()
        let process = try Program.start(arguments, in: directory)
        #expect(try process.waitForExit() == .code(64))
        #expect(process.errors.hasPrefix("Error: ") && process.output.isEmpty)
    }

    @Test func argumentsThatAreNotUTF8AreRefusedAndNotRepaired() throws {
        let run = try Program.shell(#""$HUBRELAY" serve --prefix "$(printf 'a\377')""#)
        #expect(run.exit == .code(64))
        #expect(run.errors.hasPrefix("hubrelay: argument 3 is not UTF-8"))
    }

    @Test(arguments: ["publish a b", "subscribe a", "health", "wait"])
    func aWrongTimeoutIsOneLineAndCode64(command: String) throws {
        let run = try Program.shell(#""$HUBRELAY" \#(command) --timeout 1h"#)
        #expect(run.exit == .code(64))
        #expect(
            run.errors.hasPrefix(
                "hubrelay: --timeout (or HUBRELAY_TIMEOUT): \"1h\" is not a duration; allowed: 10ms to 60m"))
    }
}
