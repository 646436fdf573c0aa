internal import COpenSSL

extension TLSContext {
    /// Sets which CAs are trusted to sign a server's certificate. The CA file is read even if servers are not verified,
    /// so that a fault in it is found now, and not when verification is turned on.
    func trust() throws(TLSError) {
        if let path = settings.caFile { return try trust(fileAt: path) }
        LibraryError.clear()
        guard SSL_CTX_set_default_verify_paths(handle) == 1 else {
            throw TLSError(.library, "OpenSSL finds no system store: \(LibraryError.take().text)")
        }
    }

    private func trust(fileAt path: String) throws(TLSError) {
        let store = SSL_CTX_get_cert_store(handle)
        let file = try PEMFile(path, for: "CA file")
        let count = try file.forEachCertificate { certificate, index throws(TLSError) in
            guard X509_STORE_add_cert(store, certificate) == 1 else {
                throw TLSError(.file, "certificate \(index + 1) in the CA file \(path): \(LibraryError.take().text)")
            }
            if let end = endOfValidity(of: certificate) { ends.authority = max(ends.authority ?? end, end) }
        }
        guard count > 0 else {
            throw TLSError(.file, "there is no certificate in the CA file \(path) (as PEM: BEGIN CERTIFICATE)")
        }
        // Every certificate in the file is trusted, whether it is self-signed or signed by another one.
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    /// Loads the relay's own certificate, those that follow it in the file, and its key.
    func loadCertificate() throws(TLSError) {
        guard let path = settings.certificateFile else {
            guard let key = settings.keyFile else { return }
            throw TLSError(.settings, "there is a key, \(key), and no certificate for it")
        }
        let file = try PEMFile(path, for: "certificate file")
        let count = try file.forEachCertificate { certificate, index throws(TLSError) in
            if index == 0 { ends.own = endOfValidity(of: certificate) }
            let isTaken =
                index == 0
                ? SSL_CTX_use_certificate(handle, certificate)
                : hubrelay_tls_add_chain_certificate(handle, certificate)
            guard isTaken == 1 else {
                throw TLSError(
                    .file, "OpenSSL does not accept certificate \(index + 1) in \(path): \(LibraryError.take().advice)")
            }
        }
        guard count > 0 else {
            throw TLSError(.file, "there is no certificate in \(path) (as PEM: BEGIN CERTIFICATE)")
        }
        if let keyPath = settings.keyFile {
            try loadKey(try PEMFile(keyPath, for: "key file"), certificatePath: path)
        } else {
            try loadKey(file, certificatePath: path)
        }
    }

    private func loadKey(_ file: PEMFile, certificatePath: String) throws(TLSError) {
        let key = try file.privateKey()
        defer { EVP_PKEY_free(key) }
        LibraryError.clear()
        // The certificate is already loaded, so this also compares the key with it.
        guard SSL_CTX_use_PrivateKey(handle, key) == 1, SSL_CTX_check_private_key(handle) == 1 else {
            let failure = LibraryError.take()
            let isOther =
                failure.library == ERR_LIB_X509
                && [X509_R_KEY_VALUES_MISMATCH, X509_R_KEY_TYPE_MISMATCH].contains(failure.reason)
            throw TLSError(
                .file,
                isOther
                    ? "the key in \(file.path) does not belong to the certificate in \(certificatePath)"
                    : "OpenSSL does not accept the key in \(file.path): \(failure.advice)")
        }
    }
}

extension LibraryError {
    /// The text and, for some errors, what to do.
    fileprivate var advice: String {
        isTLS(SSL_R_EE_KEY_TOO_SMALL, SSL_R_CA_KEY_TOO_SMALL)
            ? "\(text) (RSA needs 2048 bits)"
            : isTLS(SSL_R_CA_MD_TOO_WEAK) ? "\(text) (SHA-1 and MD5 are no longer accepted)" : text
    }
}
