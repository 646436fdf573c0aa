import TestSupport

extension RedisClient {
    /// How many channels each subscribed client of Redis holds, according to CLIENT LIST. If there is only one relay,
    /// these are all channels that it holds, and the channel of its probe.
    func channelsOfSubscribers() throws -> [Int] {
        RedisClient.channels(inClientList: try run("CLIENT", "LIST", "TYPE", "pubsub").text ?? "")
    }

    /// Cuts the connections of all subscribed clients.
    /// - Returns: how many channels each of them held at that moment.
    @discardableResult
    func cutSubscribers() throws -> [Int] {
        try run("MULTI")
        try run("CLIENT", "LIST", "TYPE", "pubsub")
        try run("CLIENT", "KILL", "TYPE", "pubsub")
        return RedisClient.channels(inClientList: try run("EXEC").array?.first?.text ?? "")
    }

    private static func channels(inClientList list: String) -> [Int] {
        list.split(separator: "\n").compactMap { line in
            line.split(separator: " ").first { $0.hasPrefix("sub=") }.flatMap { Int($0.dropFirst(4)) }
        }
    }

    /// The number of subscribers of each channel (PUBSUB NUMSUB).
    func subscribers(ofEach channels: [String]) throws -> [Int] {
        try run(["PUBSUB", "NUMSUB"] + channels).array?.compactMap(\.integer) ?? []
    }
}
