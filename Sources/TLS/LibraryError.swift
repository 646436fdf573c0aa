internal import COpenSSL

/// What OpenSSL reports about a failed call: the first entry of its error queue. That entry names the cause; the
/// entries after it were added by the callers of the function that failed.
struct LibraryError {
    /// ERR_LIB_* of the part that failed; 0 when nothing was said.
    let library: Int32
    /// The reason as a number within that part, such as SSL_R_*.
    let reason: Int32
    /// OpenSSL's words, in small letters.
    let text: String

    /// Forgets what former calls have left: the queue belongs to the thread, not to a connection.
    static func clear() {
        // The queue is nearly always empty, and to clear it OpenSSL walks through all of its places.
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// Takes the first entry and forgets the others.
    static func take() -> LibraryError {
        let code = ERR_get_error()
        defer { ERR_clear_error() }
        let text = ERR_reason_error_string(code).map { String(cString: $0) }
        return LibraryError(
            library: ERR_GET_LIB(code), reason: ERR_GET_REASON(code),
            text: text ?? (code == 0 ? "no reason given" : "error \(code)"))
    }

    func isTLS(_ reasons: Int32...) -> Bool { library == ERR_LIB_SSL && reasons.contains(reason) }

    /// The alert by which the peer has ended the connection (RFC 8446, 6.2); nil when it was not one.
    var alert: Int32? {
        let range = SSL_AD_REASON_OFFSET..<(SSL_AD_REASON_OFFSET + 256)
        return library == ERR_LIB_SSL && range.contains(reason) ? reason - SSL_AD_REASON_OFFSET : nil
    }
}
