import RelayCore
import Testing

@testable import hubrelay

/// The lists of a relay, as rows.
@Suite struct RowsTests {
    private let document = #"""
        {"connections":2,"looked_at":2,"next":null,"clients":[{"id":1,"name":"7","held_back":false,"x":{"y":1.50}},
        {"id":2,"name":"a\"\u001b","held_back":true}]}
        """#

    @Test func aRowHasEveryFieldInItsOrder() throws {
        let page = try RowPage(document, items: "clients")
        #expect(page.next == nil && page.rows.count == 2)
        #expect(page.rows[0]["name"] == "7" && page.rows[0].number("id") == 1 && page.rows[0]["uid"] == "")
        #expect(page.rows[1]["name"] == "a\"\u{1b}")
        #expect(page.rows[1].jsonLine == #"{"id":2,"name":"a\"\u001b","held_back":true}"#)
    }

    /// A number stays a number, and a string that looks like a number stays a string.
    @Test func jsonIsWhatTheRelayWrote() throws {
        #expect(
            try RowPage(document, items: "clients").rows[0].jsonLine
                == #"{"id":1,"name":"7","held_back":false,"x.y":1.50}"#)
    }

    @Test func theNextPlaceIsFoundAndOtherListsAreNot() throws {
        let page = try RowPage(#"{"next":16384,"channels":[{"name":"a"}],"clients":[]}"#, items: "clients")
        #expect(page.next == "16384" && page.rows.isEmpty)
    }

    @Test func rowsOfSeveralAnswersAreInOneOrder() throws {
        func rows(_ items: [(String, Int)]) throws -> [Row] {
            let texts = items.map { #"{"name":"\#($0.0)","lost":\#($0.1),"id":\#($0.1)}"# }
            return try RowPage("{\"clients\":[\(texts.joined(separator: ","))]}", items: "clients").rows
        }
        let all = try rows([("b", 9), ("d", 2), ("c", 10), ("a", 2)])
        #expect(ListingOrder(ClientOrder.lost).first(3, of: all).map { $0["name"] } == ["c", "b", "d"])
        #expect(ListingOrder(ClientOrder.name).first(9, of: all).map { $0["name"] } == ["a", "b", "c", "d"])
        #expect(ListingOrder(ClientOrder.id).first(2, of: all).map { $0["name"] } == ["d", "a"])
    }
}
