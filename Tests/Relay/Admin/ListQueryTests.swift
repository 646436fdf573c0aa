import RelayCore
import Testing

@testable import Relay

/// The parameters of a request for a listing.
@Suite struct ListQueryTests {
    private func read(_ query: String) throws(InvalidQuery) -> String {
        let query = try ListQuery<ClientOrder>(query, orElse: .id)
        return "\(query.order.rawValue) \(query.limit) \(query.after)"
    }

    @Test func whatIsNotSaidHasADefault() throws {
        #expect(try read("") == "id 100 0")
        #expect(try read("sort=unread") == "unread 100 0")
        #expect(try read("after=7&limit=1000&sort=lost") == "lost 1000 7")
        #expect(try read("limit=1&&") == "id 1 0")
    }

    @Test(arguments: [
        ("sort=bytes", "sort has an unknown value; allowed: id, name, age, channels, published"),
        ("sort", "sort has an unknown value"), ("sort=", "sort has an unknown value"),
        ("sort=ID", "sort has an unknown value"),
        ("limit=0", "limit has a wrong value; allowed: 1 to 1000"), ("limit=1001", "1 to 1000"),
        ("limit=+5", "1 to 1000"), ("limit=-1", "1 to 1000"), ("limit=", "1 to 1000"), ("limit=1e3", "1 to 1000"),
        ("limit=99999999999999999999", "1 to 1000"), ("after=-1", "after has a wrong value; allowed: 0 to"),
        ("after=1000000001", "0 to 1000000000"), ("limit=1&limit=2", "twice"), ("limit=1&limit", "twice"),
        ("page=2", "an unknown parameter; allowed: sort, limit, after"), ("%73ort=id", "unknown parameter"),
    ])
    func whatIsWrongIsTold(query: String, reason: String) {
        let error = #expect(throws: InvalidQuery.self) { try read(query) }
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
    }
}
