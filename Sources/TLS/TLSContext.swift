internal import COpenSSL
internal import Posix

/// What connections by TLS have in common: who is trusted, the relay's own certificate, versions. Its files are read
/// when it is made; to read them anew a new one is made, and a session keeps the one that it was made with.
///
/// It is for one thread, as are its sessions: they share the buffer into which they decrypt.
package final class TLSContext {
    package enum Version: Sendable, Equatable, Comparable {
        case v12, v13
    }

    package struct Settings: Sendable, Equatable {
        /// PEM, the only ones that are trusted then; nil: those of the system (Debian: /etc/ssl/certs, of
        /// ca-certificates; OpenSSL's SSL_CERT_FILE and SSL_CERT_DIR in the environment say otherwise).
        package var caFile: String?
        /// PEM: the relay's own certificate, and those between it and its CA in order; nil: none.
        package var certificateFile: String?
        /// PEM; nil: the key is in the certificate's file.
        package var keyFile: String?
        /// Whoever answers is taken for the server that is wanted.
        package var isInsecure: Bool
        package var minimumVersion: Version
        package var maximumVersion: Version

        package init(
            caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, isInsecure: Bool = false,
            minimumVersion: Version = .v12, maximumVersion: Version = .v13
        ) {
            (self.caFile, self.certificateFile, self.keyFile) = (caFile, certificateFile, keyFile)
            self.isInsecure = isInsecure
            (self.minimumVersion, self.maximumVersion) = (minimumVersion, maximumVersion)
        }
    }

    package let settings: Settings
    /// When the certificates in its files end.
    package internal(set) var ends = CertificateEnds()
    let handle: OpaquePointer
    let bufferMethod: OpaquePointer
    /// Where sessions decrypt into, several records at a time where there are. Untouched pages cost nothing.
    let plaintext: UnsafeMutableRawBufferPointer

    /// Reads the files.
    /// - Throws: `TLSError`, of kind `file` when one of them is missing, is no PEM, lacks what it is for, or when key
    ///   and certificate do not belong together.
    package init(_ settings: Settings) throws(TLSError) {
        self.settings = settings
        // It may name providers and engines, which are shared libraries.
        if isStaticProgram { hubrelay_tls_ignore_configuration() }
        LibraryError.clear()
        guard let handle = SSL_CTX_new(TLS_client_method()) else {
            throw TLSError(.library, "OpenSSL cannot make a context: \(LibraryError.take().text)")
        }
        guard let method = CiphertextBuffers.makeMethod() else {
            SSL_CTX_free(handle)
            throw TLSError(.library, "OpenSSL cannot make a BIO: \(LibraryError.take().text)")
        }
        // From here on everything is initialised, and `deinit` frees it also when something throws.
        (self.handle, bufferMethod) = (handle, method)
        plaintext = .allocate(byteCount: 64 << 10, alignment: 16)
        hubrelay_tls_set_options(handle)
        // Several of the short records in which Redis answers.
        hubrelay_tls_set_read_ahead(handle)
        try setVersions()
        try trust()
        try loadCertificate()
    }

    deinit {
        SSL_CTX_free(handle)
        BIO_meth_free(bufferMethod)
        plaintext.deallocate()
    }

    private func setVersions() throws(TLSError) {
        guard settings.minimumVersion <= settings.maximumVersion else {
            throw TLSError(.settings, "the lowest version of TLS that is allowed is above the highest")
        }
        guard hubrelay_tls_set_versions(handle, settings.minimumVersion.code, settings.maximumVersion.code) == 1 else {
            throw TLSError(.library, "OpenSSL does not accept the versions of TLS: \(LibraryError.take().text)")
        }
    }
}

extension TLSContext.Version {
    fileprivate var code: Int32 { self == .v12 ? TLS1_2_VERSION : TLS1_3_VERSION }
}
