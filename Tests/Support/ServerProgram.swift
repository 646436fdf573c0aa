internal import Glibc

/// The program of every server, sentinel and cluster node that the tests start: `TESTED_REDIS_SERVER`, or else the
/// redis-server in PATH.
let serverProgram = getenv("TESTED_REDIS_SERVER").map { String(cString: $0) } ?? "redis-server"

/// The first two numbers of the program's version. Valkey gives its own version, which is higher than that of the Redis
/// that it comes from. (0, 0) if the program does not tell its version.
let serverVersion: (Int, Int) = {
    guard let directory = try? TemporaryDirectory(),
        let process = try? ChildProcess(serverProgram, ["--version"], log: directory.path(of: "version")),
        (try? process.waitForExit()) == .code(0)
    else { return (0, 0) }
    // Redis server v=7.0.15 sha=...
    let word = process.output.split(separator: " ").first { $0.hasPrefix("v=") } ?? ""
    let numbers = word.dropFirst(2).split(separator: ".").compactMap { Int($0) }
    return numbers.count >= 2 ? (numbers[0], numbers[1]) : (0, 0)
}()
