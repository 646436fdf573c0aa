internal import TextFormats

/// One row of a listing, as the relay has sent it: all its fields, in their order.
struct Row: Equatable {
    private(set) var fields: [JSONFields.Field] = []

    mutating func add(_ name: Substring, of field: JSONFields.Field) {
        var own = field
        own.path = String(name)
        fields.append(own)
    }

    /// The text of a field; "" if there is none.
    subscript(name: String) -> String { fields.first { $0.path == name }?.value ?? "" }

    /// The number in a field; 0 if there is none.
    func number(_ name: String) -> Double { Double(self[name]) ?? 0 }

    /// The row as a JSON object on one line. Numbers and words are as the relay wrote them.
    var jsonLine: String {
        var json = JSONWriter()
        json.object { json in
            for field in fields {
                json.key(field.path)
                if field.isText { json.string(field.value) } else { json.word(field.value) }
            }
        }
        return json.text
    }
}

/// One answer of a relay that lists something.
struct RowPage: Equatable {
    var rows: [Row] = []
    /// Where the next answer begins; nil if this was the last one.
    var next: String?

    /// - Parameter items: what the rows are called in the document.
    /// - Throws: `JSONFields.Malformed` for a document that is not JSON.
    init(_ document: String, items: String) throws(JSONFields.Malformed) {
        var last: Substring?
        for field in try JSONFields.parse(document) {
            if field.path == "next", field.value != "null" { next = field.value }
            let parts = field.path.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == items else { continue }
            if parts[1] != last { rows.append(Row()) }
            last = parts[1]
            rows[rows.count - 1].add(parts[2], of: field)
        }
    }
}
