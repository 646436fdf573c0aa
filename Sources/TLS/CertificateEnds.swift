internal import COpenSSL
internal import Glibc

/// When certificates end (notAfter, RFC 5280, 4.1.2.5), in seconds since 1970.
package struct CertificateEnds: Sendable, Equatable {
    /// The relay's own; nil: there is none.
    package internal(set) var own: Int64?
    /// The last one to end of those in the CA file, behind which nobody is trusted; nil: there is no such file.
    package internal(set) var authority: Int64?

    package init() {}
}

/// When a certificate ends; nil where it does not say so.
func endOfValidity(of certificate: OpaquePointer) -> Int64? {
    var time = tm()
    guard let notAfter = X509_get0_notAfter(certificate), ASN1_TIME_to_tm(notAfter, &time) == 1 else { return nil }
    return Int64(timegm(&time))
}
