internal import CMicrohttpd

/// What is known of a request between the library's callbacks. The library holds one reference to it:
/// retained in `onURI`, released in `onCompleted`.
private final class Exchange {
    let target: String
    var droppedBytes = 0
    var isAnnounced = false

    init(target: String) { self.target = target }

    var path: String { String(target.prefix { $0 != "?" }) }

    var query: String { String(target.drop { $0 != "?" }.dropFirst()) }
}

/// How much of a body is read, and dropped, before the connection is closed in the middle of it.
private let maxDroppedBodyBytes = 64 * 1024

/// The request line has been read: the only moment at which the library tells the target as it was sent.
let onURI:
    @convention(c) (
        UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?
    ) -> UnsafeMutableRawPointer? = { _, uri, _ in
        let target = uri.map { String(cString: $0) } ?? ""
        return Unmanaged.passRetained(Exchange(target: target)).toOpaque()
    }

/// The request is over: answered, or its connection is gone.
let onCompleted:
    @convention(c) (
        UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
        MHD_RequestTerminationCode
    ) -> Void = { _, _, context, _ in
        guard let context, let exchange = context.pointee else { return }
        context.pointee = nil
        Unmanaged<Exchange>.fromOpaque(exchange).release()
    }

/// Called once when the headers are there, then for each piece of a body, then once more at the request's
/// end.
let onAccess:
    @convention(c) (
        UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, UnsafePointer<CChar>?,
        UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafeMutablePointer<Int>?,
        UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> MHD_Result = { closure, connection, _, method, _, _, uploadBytes, context in
        guard let closure, let connection, let method, let uploadBytes, let state = context?.pointee else {
            return hubrelay_http_no
        }
        let server = Unmanaged<AdminServer>.fromOpaque(closure).takeUnretainedValue()
        let exchange = Unmanaged<Exchange>.fromOpaque(state).takeUnretainedValue()
        return server.advance(exchange, connection, method: String(cString: method), &uploadBytes.pointee)
    }

extension AdminServer {
    /// Answers at the request's end only: an answer before its body is read would be followed by a reset,
    /// which can destroy it on its way.
    fileprivate func advance(
        _ exchange: Exchange, _ connection: OpaquePointer, method: String, _ uploadBytes: inout Int
    ) -> MHD_Result {
        guard exchange.isAnnounced else {
            exchange.isAnnounced = true
            return hubrelay_http_yes
        }
        if uploadBytes > 0 {
            exchange.droppedBytes += uploadBytes
            uploadBytes = 0
            return exchange.droppedBytes <= maxDroppedBodyBytes ? hubrelay_http_yes : hubrelay_http_no
        }
        let response =
            method == "GET" || method == "HEAD"
            ? handler(AdminRequest(method: method, path: exchange.path, query: exchange.query))
            : AdminResponse(
                status: 405, body: Array("405: only GET and HEAD are understood here\n".utf8),
                headers: [("Allow", "GET, HEAD")])
        return queue(response, on: connection)
    }

    /// Hands a response to the library, which leaves out the body of an answer to HEAD.
    private func queue(_ response: AdminResponse, on connection: OpaquePointer) -> MHD_Result {
        let made = response.body.withUnsafeBytes { body in
            // It copies the bytes, and takes the pointer as mutable only for its other modes.
            MHD_create_response_from_buffer(
                body.count, UnsafeMutableRawPointer(mutating: body.baseAddress), hubrelay_http_copy)
        }
        guard let made else { return hubrelay_http_no }
        defer { MHD_destroy_response(made) }
        let headers = [("Content-Type", response.contentType), ("Cache-Control", "no-store")]
        for (name, value) in headers + response.headers {
            guard MHD_add_response_header(made, name, value) == hubrelay_http_yes else {
                return hubrelay_http_no
            }
        }
        return MHD_queue_response(connection, UInt32(response.status), made)
    }
}
