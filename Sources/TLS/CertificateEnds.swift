internal import COpenSSL
internal import Glibc

/// When certificates end (notAfter, RFC 5280, 4.1.2.5), in seconds since 1970.
package struct CertificateEnds: Sendable, Equatable {
    /// The end of the relay's own certificate; nil if it has no certificate.
    package internal(set) var own: Int64?
    /// The latest end of all certificates in the CA file. After it no server is trusted. Nil if there is no CA file.
    package internal(set) var authority: Int64?

    package init() {}
}

/// When a certificate ends; nil if the time cannot be read.
func endOfValidity(of certificate: OpaquePointer) -> Int64? {
    var time = tm()
    guard let notAfter = X509_get0_notAfter(certificate), ASN1_TIME_to_tm(notAfter, &time) == 1 else { return nil }
    return Int64(timegm(&time))
}
