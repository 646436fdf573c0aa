/// A request that reached the server as a whole. Its headers and body are not kept: no answer depends on them.
package struct AdminRequest: Equatable {
    /// "GET" or "HEAD"; the server answers other methods itself.
    package let method: String
    /// The target up to the first "?", as it was sent: percent-encoding is not undone.
    package let path: String
    /// What follows the first "?", as it was sent; "" if there is none.
    package let query: String

    package init(method: String, path: String, query: String) {
        self.method = method
        self.path = path
        self.query = query
    }
}

/// The answer to one request.
package struct AdminResponse: Equatable {
    /// The status code, 200 to 599.
    package var status: Int
    /// The media type of `body`, with its charset.
    package var contentType: String
    package var body: [UInt8]
    /// Further headers: `Allow`, `Retry-After`, ... `Cache-Control: no-store` is always sent.
    package var headers: [(name: String, value: String)] {
        get { headerPairs.map { ($0.name, $0.value) } }
        set { headerPairs = newValue.map { Header(name: $0.name, value: $0.value) } }
    }

    private struct Header: Equatable {
        let name: String
        let value: String
    }

    private var headerPairs: [Header]

    package init(
        status: Int, contentType: String = "text/plain; charset=utf-8", body: [UInt8],
        headers: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        headerPairs = headers.map { Header(name: $0.name, value: $0.value) }
    }
}
