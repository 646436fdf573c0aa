/// Why TLS cannot begin or go on: which side is at fault, and what to do. Never quotes a secret.
package struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        // The server's certificate.
        /// It is not signed by a trusted CA.
        case untrusted
        /// It has signed itself, and is not trusted.
        case selfSigned
        case expired
        case notYetValid
        /// It is for another name or address than the expected one.
        case wrongName
        /// Its key or signature, or that of a certificate above it, is weaker than OpenSSL's security level allows.
        case weakCertificate

        // The relay's own certificate.
        /// The server requires a certificate, and the relay has none.
        case certificateRequired
        /// The server does not accept the relay's certificate.
        case certificateRefused

        // The rest of the conversation.
        /// The peer does not speak TLS.
        case plaintext
        /// The peer sends nothing, or nothing more, before the handshake is over.
        case silent
        /// There is no version of TLS that both sides allow.
        case version
        /// The server has ended the connection by an alert that none of the cases above covers.
        case refused
        /// The connection ended before the handshake did.
        case closedDuringHandshake
        /// The server has closed the connection in the way that TLS demands (close_notify).
        case closed
        /// The connection ended without a close_notify: the server was killed, or something in between cut the
        /// connection.
        case truncated
        /// The data from the peer is not what TLS allows at that point.
        case malformed

        // Our side.
        /// A file that cannot be used; the sentence names it.
        case file
        /// A setting is impossible: a name that no certificate can have, or a lowest version above the highest.
        case settings
        /// OpenSSL could not do what it was asked for, for example because memory was short.
        case library
    }

    package let kind: Kind
    /// One sentence without a full stop.
    package let description: String

    init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }
}
