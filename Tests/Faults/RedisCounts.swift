import TestSupport

extension RedisClient {
    /// One number of INFO's section "stats".
    func statistic(_ name: String, line: UInt = #line) throws -> Int {
        let lines = try run("INFO", "stats", line: line).text?.split(whereSeparator: \.isNewline) ?? []
        guard let found = lines.first(where: { $0.hasPrefix(name + ":") }),
            let number = Int(found.dropFirst(name.count + 1))
        else { throw TestFailure("line \(line): INFO without \(name)") }
        return number
    }

    /// How many connections the server has accepted since it started.
    func connectionsSoFar(line: UInt = #line) throws -> Int {
        try statistic("total_connections_received", line: line)
    }
}
