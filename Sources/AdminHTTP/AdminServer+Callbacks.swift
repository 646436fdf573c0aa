internal import CMicrohttpd
internal import Glibc

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

/// How many bytes of a body are read and dropped before the connection is closed in the middle of it.
private let maxDroppedBodyBytes = 64 * 1024

/// The request line has been read. Only now does the library give us the target as it was sent.
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
    ) -> Void = { closure, connection, context, _ in
        guard let context, let exchange = context.pointee else { return }
        context.pointee = nil
        Unmanaged<Exchange>.fromOpaque(exchange).release()
        guard let closure, let connection = connection.flatMap(ours) else { return }
        let server = Unmanaged<AdminServer>.fromOpaque(closure).takeUnretainedValue()
        connection.answerIsWritten(now: server.now())
    }

/// A connection has begun, or is about to be closed. In between, the library holds one reference to our
/// `AdminConnection`.
let onConnection:
    @convention(c) (
        UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
        MHD_ConnectionNotificationCode
    ) -> Void = { closure, connection, context, code in
        guard let closure, let connection, let context else { return }
        let server = Unmanaged<AdminServer>.fromOpaque(closure).takeUnretainedValue()
        if code == hubrelay_http_started {
            let ours = server.connectionStarted(hubrelay_http_socket(connection))
            context.pointee = Unmanaged.passRetained(ours).toOpaque()
        } else if let state = context.pointee {
            context.pointee = nil
            server.connectionClosed(Unmanaged<AdminConnection>.fromOpaque(state).takeRetainedValue())
        }
    }

/// Our object for a connection of the library.
private func ours(_ connection: OpaquePointer) -> AdminConnection? {
    hubrelay_http_context(connection).map { Unmanaged<AdminConnection>.fromOpaque($0).takeUnretainedValue() }
}

/// Called once after the headers, then once for each piece of the body, then once more at the end of the request. In
/// that last call `upload` is nil. For a piece of the body it is not nil, even if the piece is empty.
let onAccess:
    @convention(c) (
        UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, UnsafePointer<CChar>?,
        UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafeMutablePointer<Int>?,
        UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> MHD_Result = { closure, connection, _, method, _, upload, uploadBytes, context in
        guard let closure, let connection, let method, let uploadBytes, let state = context?.pointee else {
            return hubrelay_http_no
        }
        let server = Unmanaged<AdminServer>.fromOpaque(closure).takeUnretainedValue()
        let exchange = Unmanaged<Exchange>.fromOpaque(state).takeUnretainedValue()
        if upload != nil { return server.drop(&uploadBytes.pointee, of: exchange) }
        return server.advance(exchange, connection, method: String(cString: method))
    }

extension AdminServer {
    /// Drops a piece of a body. The piece may be empty: libmicrohttpd 0.9.75 passes one before the end of a request
    /// that has "Expect: 100-continue", has no body, and is followed by another request. The library would refuse an
    /// answer at that point.
    fileprivate func drop(_ uploadBytes: inout Int, of exchange: Exchange) -> MHD_Result {
        exchange.droppedBytes += uploadBytes
        uploadBytes = 0
        return exchange.droppedBytes <= maxDroppedBodyBytes ? hubrelay_http_yes : hubrelay_http_no
    }

    /// Answers only at the end of the request: an answer before the body is read would be followed by a reset, which
    /// can destroy the answer on its way.
    fileprivate func advance(_ exchange: Exchange, _ connection: OpaquePointer, method: String) -> MHD_Result {
        guard exchange.isAnnounced else {
            exchange.isAnnounced = true
            return hubrelay_http_yes
        }
        let ours = ours(connection)
        guard var response = response(to: exchange, method: method, from: connection) else {
            suspend(connection)
            return hubrelay_http_yes
        }
        ours?.requestIsWhole(now: now())
        if let ours, ours.requests >= bounds.requestsPerConnection { response.headers.append(("Connection", "close")) }
        return queue(response, on: connection)
    }

    private func response(to exchange: Exchange, method: String, from connection: OpaquePointer) -> AdminResponse? {
        if let host = refusedHost(connection) {
            return AdminResponse(status: 421, body: Array(misdirected(host).utf8))
        }
        guard method == "GET" || method == "HEAD" else {
            return AdminResponse(
                status: 405, body: Array("405: only GET and HEAD are understood here\n".utf8),
                headers: [("Allow", "GET, HEAD")])
        }
        return handler(AdminRequest(method: method, path: exchange.path, query: exchange.query))
    }

    /// The first Host field of the request that is not allowed; nil if all are allowed.
    private func refusedHost(_ connection: OpaquePointer) -> String? {
        guard let hosts else { return nil }
        var fields = HostFields()
        withUnsafeMutablePointer(to: &fields) {
            _ = MHD_get_connection_values(connection, hubrelay_http_header, onField, $0)
        }
        return fields.values.first { !hosts.allows($0) }
    }

    private func misdirected(_ host: String) -> String {
        // The host is repeated only if it could be a name.
        let isName =
            host.utf8.count <= 260
            && host.unicodeScalars.allSatisfy { scalar in
                scalar.properties.isAlphabetic || ".-_:0123456789".unicodeScalars.contains(scalar)
            }
        let name = isName ? host : "NAME"
        return """
            421: requests for the host '\(name)' are refused here, since a web page could send them through the \
            browser of somebody on this machine (DNS rebinding). Ask by the address or by localhost, or allow the name: \
            --http-host or HUBRELAY_HTTP_HOST

            """
    }

    /// Hands a response to the library, which leaves out the body of an answer to HEAD.
    private func queue(_ response: AdminResponse, on connection: OpaquePointer) -> MHD_Result {
        let made = response.body.withUnsafeBytes { body in
            // The call copies the bytes. The pointer is mutable only because of its other modes.
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

/// The Host fields of a request: one normally, but a client may send none or several.
private struct HostFields { var values: [String] = [] }

/// Called for each header field of a request.
private let onField:
    @convention(c) (
        UnsafeMutableRawPointer?, MHD_ValueKind, UnsafePointer<CChar>?, UnsafePointer<CChar>?
    ) -> MHD_Result = { closure, _, name, value in
        if let closure, let name, strcasecmp(name, "Host") == 0 {
            closure.assumingMemoryBound(to: HostFields.self).pointee.values.append(
                value.map { String(cString: $0) } ?? "")
        }
        return hubrelay_http_yes
    }
