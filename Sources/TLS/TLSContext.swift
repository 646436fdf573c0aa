internal import COpenSSL
internal import Posix

/// What TLS connections have in common: the trusted CAs, the relay's own certificate, and the versions. The files are
/// read when the context is made. To read them again, make a new context; a session keeps the context that it was made
/// with.
///
/// A context and its sessions must be used on one thread: the sessions share the buffer into which they decrypt.
package final class TLSContext {
    package enum Version: Sendable, Equatable, Comparable {
        case v12, v13
    }

    package struct Settings: Sendable, Equatable {
        /// A PEM file with the only CAs that are then trusted. Nil for those of the system (Debian: /etc/ssl/certs, of
        /// the package ca-certificates; the environment variables SSL_CERT_FILE and SSL_CERT_DIR of OpenSSL override
        /// it).
        package var caFile: String?
        /// A PEM file with the relay's own certificate, then those between it and its CA, in order; nil if the relay
        /// has none.
        package var certificateFile: String?
        /// A PEM file; nil if the key is in the certificate's file.
        package var keyFile: String?
        /// Whether any server is accepted, without verification.
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
    /// The buffer into which sessions decrypt, several records at a time if possible. Untouched pages cost nothing.
    let plaintext: UnsafeMutableRawBufferPointer

    /// Reads the files.
    /// - Throws: `TLSError`, of kind `file` if a file is missing, is not PEM, or lacks what it is for, or if key and
    ///   certificate do not belong together.
    package init(_ settings: Settings) throws(TLSError) {
        self.settings = settings
        // OpenSSL's configuration may name providers and engines: shared libraries, which a static program must not
        // load.
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
        // So one read takes several of the short records in which Redis answers.
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
