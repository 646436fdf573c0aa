internal import COpenSSL
internal import Posix

/// What a PEM file holds (RFC 7468).
struct PEMFile {
    /// Large enough for every existing CA, and small enough to bound the cost when a wrong file is named.
    private static let limit = 4 << 20

    let path: String
    private let bytes: [UInt8]

    /// - Parameter use: what the file is for, in words: "CA file".
    /// - Throws: `TLSError` when it cannot be read.
    init(_ path: String, for use: String) throws(TLSError) {
        self.path = path
        do throws(SecretFileError) { bytes = try readSecretFile(path, limit: Self.limit) } catch {
            throw TLSError(.file, "cannot read the \(use) \(path): \(error.reason)")
        }
    }

    /// Passes the certificates to `body`, in order. Each is valid during the call of `body`.
    /// - Returns: the number of certificates.
    /// - Throws: `TLSError` if a certificate cannot be read, and what `body` throws.
    func forEachCertificate(_ body: (OpaquePointer, _ index: Int) throws(TLSError) -> Void) throws(TLSError) -> Int {
        let source = try open()
        defer { BIO_free(source) }
        var count = 0
        LibraryError.clear()
        while let certificate = PEM_read_bio_X509_AUX(source, nil, refusePassword, nil) {
            defer { X509_free(certificate) }
            try body(certificate, count)
            count += 1
        }
        let end = LibraryError.take()
        guard end.library == ERR_LIB_PEM, end.reason == PEM_R_NO_START_LINE else {
            throw TLSError(.file, "certificate \(count + 1) in \(path) cannot be read: \(end.text)")
        }
        return count
    }

    /// The first private key in the file, owned by the caller.
    /// - Throws: `TLSError` if there is no key, or if it cannot be read or is encrypted: nobody is asked for a
    ///   passphrase.
    func privateKey() throws(TLSError) -> OpaquePointer {
        let source = try open()
        defer { BIO_free(source) }
        var isEncrypted = false
        LibraryError.clear()
        let key = withUnsafeMutablePointer(to: &isEncrypted) {
            PEM_read_bio_PrivateKey(source, nil, refusePassword, $0)
        }
        if let key { return key }
        let failure = LibraryError.take()
        if isEncrypted {
            throw TLSError(.file, "the key in \(path) is encrypted: `openssl pkey -in \(path)` writes it without")
        }
        // Without a key in the file, OpenSSL says only "unsupported".
        guard !String(decoding: bytes, as: UTF8.self).contains("PRIVATE KEY-----") else {
            throw TLSError(.file, "the key in \(path) cannot be read: \(failure.text)")
        }
        throw TLSError(.file, "there is no private key in \(path) (as PEM: BEGIN PRIVATE KEY)")
    }

    private func open() throws(TLSError) -> OpaquePointer {
        // BIO_s_mem copies the bytes, so nothing has to be kept alive for it.
        guard let source = BIO_new(BIO_s_mem()) else { throw TLSError(.library, "no memory to read \(path)") }
        let written = bytes.withUnsafeBytes { BIO_write(source, $0.baseAddress, Int32($0.count)) }
        guard written == bytes.count else {
            BIO_free(source)
            throw TLSError(.library, "no memory to read \(path)")
        }
        return source
    }
}

/// Replaces OpenSSL's own function, which asks on the terminal. Notes that it was called, if the caller passed a place
/// for that.
private func refusePassword(
    _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _ wasAsked: UnsafeMutableRawPointer?
) -> Int32 {
    wasAsked?.assumingMemoryBound(to: Bool.self).pointee = true
    return -1
}
