/// Why there is no TLS, or no more of it: who is wrong, and what to do about it. Never quotes a secret.
package struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        // The server's certificate.
        /// No CA that is trusted has signed it.
        case untrusted
        /// It has signed itself, and is not trusted.
        case selfSigned
        case expired
        case notYetValid
        /// It is for another name or address than the one that was asked for.
        case wrongName
        /// Its key or signature, or one above it, is weaker than OpenSSL's security level allows.
        case weakCertificate

        // The relay's own certificate.
        /// The server wants one, and there is none.
        case certificateRequired
        /// The server does not take the one that there is.
        case certificateRefused

        // The rest of the conversation.
        /// What answers does not speak TLS.
        case plaintext
        /// What should answer says nothing, or no more, before the handshake is over.
        case silent
        /// There is no version of TLS that both sides allow.
        case version
        /// The server has ended it by an alert that is none of the above.
        case refused
        /// The connection ended before the handshake did.
        case closedDuringHandshake
        /// The server has ended the connection as TLS wants it to be done (close_notify).
        case closed
        /// The connection ended without that: the server was killed, or something between cut it.
        case truncated
        /// What came does not fit what TLS allows there.
        case malformed

        // Our side.
        /// A file that cannot be used; the sentence names it.
        case file
        /// What was asked for cannot be done: a name that no certificate can have, versions the wrong way round.
        case settings
        /// OpenSSL could not do what it was asked for, as without memory.
        case library
    }

    package let kind: Kind
    /// One sentence without a full stop.
    package let description: String

    init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }
}
