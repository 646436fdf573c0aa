import TestSupport

extension RedisClient {
    /// How many connections the server has taken since it started.
    func connectionsSoFar(line: UInt = #line) throws -> Int {
        let stats = try run("INFO", "stats", line: line).text ?? ""
        let name = "total_connections_received:"
        guard let row = stats.split(whereSeparator: \.isNewline).first(where: { $0.hasPrefix(name) }),
            let count = Int(row.dropFirst(name.count))
        else { throw TestFailure("line \(line): INFO without \(name)") }
        return count
    }
}
