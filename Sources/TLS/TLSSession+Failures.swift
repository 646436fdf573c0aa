internal import COpenSSL

extension TLSSession {
    /// What a failure reported by OpenSSL means for the operator of the relay.
    func explain(_ failure: LibraryError) -> TLSError {
        if failure.isTLS(SSL_R_CERTIFICATE_VERIFY_FAILED), let rejection { return rejection.error(for: serverName) }
        if let alert = failure.alert { return explain(alert: alert) }
        if failure.isTLS(SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW) {
            return .noCommonVersion(failure.text)
        }
        let isTalk = failure.isTLS(
            SSL_R_WRONG_VERSION_NUMBER, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST)
        if isTalk, !isEstablished { return .noTLSThere }
        return TLSError(
            .malformed,
            isEstablished
                ? "the server sent invalid TLS: \(failure.text)"
                : "the TLS handshake with the server failed: \(failure.text)")
    }

    /// The error for an alert, by which the server ends the connection and says why (RFC 8446, 6.2, and RFC 5246,
    /// 7.2.2).
    private func explain(alert: Int32) -> TLSError {
        let text = String(cString: SSL_alert_desc_string_long(alert))
        let hasCertificate = context.settings.certificateFile != nil
        switch alert {
        case SSL3_AD_HANDSHAKE_FAILURE where isCertificateWanted && !hasCertificate,
            SSL3_AD_BAD_CERTIFICATE where isCertificateWanted && !hasCertificate,
            TLS13_AD_CERTIFICATE_REQUIRED:
            // A TLS 1.2 server says so by the first one, since TLS 1.2 has no better alert.
            return TLSError(.certificateRequired, "the server wants a client certificate (--redis-cert)")
        case SSL3_AD_BAD_CERTIFICATE, SSL3_AD_UNSUPPORTED_CERTIFICATE, SSL3_AD_CERTIFICATE_REVOKED,
            SSL3_AD_CERTIFICATE_EXPIRED, SSL3_AD_CERTIFICATE_UNKNOWN, TLS1_AD_UNKNOWN_CA, TLS1_AD_ACCESS_DENIED,
            TLS1_AD_DECRYPT_ERROR:
            guard hasCertificate, isCertificateWanted else { break }
            return TLSError(.certificateRefused, "the server refused our certificate (--redis-cert): \(text)")
        case TLS1_AD_PROTOCOL_VERSION:
            return .noCommonVersion(text)
        case TLS1_AD_UNRECOGNIZED_NAME:
            return TLSError(
                .refused, "the server does not know the name \(printable(serverName)) (--redis-tls-name): \(text)")
        default: break
        }
        return TLSError(.refused, "the server ended the TLS connection: \(text)")
    }
}

extension TLSError {
    static let noTLSThere = TLSError(.plaintext, "the server does not speak TLS there (redis, not rediss, in the URL)")

    static func noCommonVersion(_ text: String) -> TLSError {
        TLSError(.version, "the server supports no version of TLS that is allowed here: \(text)")
    }
}
