internal import COpenSSL
internal import Glibc

/// Why OpenSSL rejects the certificate of a server, or one above it in the chain, in our own words.
struct CertificateRejection {
    private let code: Int32
    /// 0 for the server's own certificate, 1 for the certificate that signed it, and so on.
    private let depth: Int32
    /// The period of validity of the rejected certificate, as "2026-01-02" in UTC.
    private let notBefore: String
    private let notAfter: String
    private let names: CertificateNames

    /// - Parameter verification: the X509_STORE_CTX of a verification that has just found something.
    init(_ verification: OpaquePointer) {
        code = X509_STORE_CTX_get_error(verification)
        depth = X509_STORE_CTX_get_error_depth(verification)
        let certificate = X509_STORE_CTX_get_current_cert(verification)
        notBefore = certificate.flatMap { day(X509_get0_notBefore($0)) } ?? "?"
        notAfter = certificate.flatMap { day(X509_get0_notAfter($0)) } ?? "?"
        names = CertificateNames(certificate)
    }

    /// - Parameter name: the name that the certificate should be for.
    func error(for name: String) -> TLSError {
        let text = X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
        let whose = depth == 0 ? "the server's certificate" : "a CA certificate above the server's"
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return TLSError(.expired, "\(whose) has expired (on \(notAfter))")
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return TLSError(.notYetValid, "\(whose) is not valid yet (from \(notBefore) on); is the clock right here?")
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return TLSError(.wrongName, "\(whose) \(mismatch(name))")
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return TLSError(
                .selfSigned, "\(whose) is self-signed and not trusted (--redis-ca can name that very certificate)")
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL:
            return TLSError(.weakCertificate, "\(whose) is too weak: \(text) (RSA needs 2048 bits)")
        case X509_V_ERR_CA_MD_TOO_WEAK:
            return TLSError(.weakCertificate, "\(whose) is too weak: \(text) (SHA-1 and MD5 are no longer accepted)")
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return TLSError(
                .untrusted,
                "the server's certificate does not lead to a trusted CA: \(text) (--redis-ca names the CA)")
        default:
            return TLSError(.untrusted, "\(whose) is not trusted: \(text)")
        }
    }
}

extension CertificateRejection {
    /// Why the certificate is not for this name.
    fileprivate func mismatch(_ name: String) -> String {
        guard let place = names.place(ofAddress: name) else {
            return "is for \(names), not for \(printable(name)) (--redis-tls-name says which name it must have)"
        }
        let hosts = names.hosts.map { "; or --redis-tls-name says which of its host names is meant: \($0)" } ?? ""
        let address = printable(name)
        return "has \(address) \(place), which does not count: an IP address must be in a certificate as one, so "
            + "this needs another certificate (with subjectAltName=IP:\(address))\(hosts)"
    }
}

/// The day of a time in a certificate, in UTC.
private func day(_ time: UnsafePointer<ASN1_TIME>?) -> String? {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
}
