internal import Configuration

/// Asks a relay for its clients, its channels or its fleet.
struct ListingClient {
    let listen: HTTPListen
    /// Nanoseconds for each answer.
    let timeout: UInt64

    /// The first `limit` rows of all that there are. For each answer, a relay that holds very many rows examines only
    /// so many of them. It is asked again until it has examined the last one.
    /// - Parameters:
    ///   - path: for example "/connections".
    ///   - items: what the rows are called in the answer.
    /// - Throws: `CommandFailure` when there is no answer, or it is not what was asked for.
    func rows(_ path: String, items: String, by order: ListingOrder, limit: Int) throws(CommandFailure) -> [Row] {
        var rows: [Row] = []
        var after = "0"
        while true {
            let page = try page("\(path)?sort=\(order.name)&limit=\(limit)&after=\(after)", items: items)
            rows = rows.isEmpty ? page.rows : order.first(limit, of: rows + page.rows)
            guard let next = page.next else { return rows }
            guard (Int(next) ?? 0) > (Int(after) ?? 0) else { throw .failed("the listing of \(listen) does not end") }
            after = next
        }
    }

    /// Asks for `/health`. The answer is a document in every state.
    func health() throws(CommandFailure) -> [String: String] {
        let text = try text("/health", statuses: [200, 503])
        var health: [String: String] = [:]
        for field in try parsed({ () throws(JSONFields.Malformed) in try JSONFields.parse(text) }) {
            health[field.path] = field.value
        }
        return health
    }

    private func page(_ target: String, items: String) throws(CommandFailure) -> RowPage {
        let text = try text(target, statuses: [200])
        return try parsed { () throws(JSONFields.Malformed) in try RowPage(text, items: items) }
    }

    private func text(_ target: String, statuses: [Int]) throws(CommandFailure) -> String {
        let response = try HTTPClient.get(target, from: listen, timeout: timeout)
        let text = String(decoding: response.body, as: UTF8.self)
        guard statuses.contains(response.status) else {
            let line = text.split(separator: "\n").first.map(String.init) ?? ""
            if response.status == 404, !line.hasPrefix("404: ") {
                throw .failed("\(listen) is not a relay, or its version cannot list this")
            }
            throw .failed("the relay at \(listen) answers: \(escaped(line, quotes: false))")
        }
        return text
    }

    private func parsed<Value>(
        _ body: () throws(JSONFields.Malformed) -> Value
    ) throws(CommandFailure) -> Value {
        do throws(JSONFields.Malformed) { return try body() } catch {
            throw .failed("\(listen) is not a relay: its response is not JSON")
        }
    }
}
