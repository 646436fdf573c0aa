internal import COpenSSL

extension TLSSession {
    /// Sets the name or address that the server's certificate must be for. A name is also sent to the server (SNI).
    func expect(_ name: String, on ssl: OpaquePointer) throws(TLSError) {
        let refusal = TLSError(.settings, "no certificate can be for the name \(printable(name)) (--redis-tls-name)")
        // OpenSSL would treat an empty name as "no name", and would then accept any certificate.
        guard !name.isEmpty, !name.utf8.contains(0) else { throw refusal }
        let parameters = SSL_get0_param(ssl)
        X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        defer { LibraryError.clear() }
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 { return }
        // The dot at the end of a full name is not sent (RFC 6066, 3), and certificates do not have it either.
        let name = name.hasSuffix(".") ? String(name.dropLast()) : name
        guard !name.isEmpty, X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1,
            hubrelay_tls_set_server_name(ssl, name) == 1
        else { throw refusal }
    }

    /// Makes the session note what is wrong with the server's certificate, and that the server requests a client
    /// certificate.
    func observeCertificates(on ssl: OpaquePointer) {
        let this = Unmanaged.passUnretained(self).toOpaque()
        SSL_set_ex_data(ssl, 0, this)
        if context.settings.isInsecure {
            SSL_set_verify(ssl, SSL_VERIFY_NONE, nil)
        } else {
            SSL_set_verify(ssl, SSL_VERIFY_PEER) { isGood, verification in
                if isGood == 0 { noteRejection(verification) }
                return isGood
            }
        }
        SSL_set_cert_cb(
            ssl,
            { _, session in
                guard let session else { return 1 }
                Unmanaged<TLSSession>.fromOpaque(session).takeUnretainedValue().isCertificateWanted = true
                return 1
            }, this)
    }
}

/// Notes the first fault. Verification stops there, and the session fails because of it.
private func noteRejection(_ verification: OpaquePointer?) {
    guard let verification,
        let ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let session = SSL_get_ex_data(OpaquePointer(ssl), 0)
    else { return }
    Unmanaged<TLSSession>.fromOpaque(session).takeUnretainedValue().rejection = CertificateRejection(verification)
}
