internal import COpenSSL
internal import Glibc

/// What a certificate is for: its host names and addresses, or, where it has none, the common name of its subject.
struct CertificateNames: CustomStringConvertible {
    private static let shown = 3
    private var names: [String] = []

    /// - Parameter certificate: an X509.
    init(_ certificate: OpaquePointer?) {
        guard let certificate else { return }
        if let list = hubrelay_tls_names(certificate) {
            defer { hubrelay_tls_free_names(list) }
            for index in 0..<hubrelay_tls_name_count(list) {
                var bytes: UnsafePointer<UInt8>?
                var count: Int32 = 0
                let kind = hubrelay_tls_name(list, index, &bytes, &count)
                let name = UnsafeBufferPointer(start: bytes, count: Int(count))
                if kind == GEN_DNS { names.append(printable(String(decoding: name, as: UTF8.self))) }
                if kind == GEN_IPADD, let address = addressText(name) { names.append(address) }
            }
        }
        if names.isEmpty, let name = commonName(of: certificate) { names = [printable(name)] }
    }

    /// The first of them, joined as in a sentence.
    var description: String {
        guard names.count > 1 else { return names.first ?? "nobody" }
        let rest = names.count - Self.shown
        if rest > 0 { return names.prefix(Self.shown).joined(separator: ", ") + " and \(rest) more" }
        return names.dropLast().joined(separator: ", ") + " and " + names[names.count - 1]
    }
}

private func commonName(of certificate: OpaquePointer) -> String? {
    let subject = X509_get_subject_name(certificate)
    let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
    guard index >= 0, let text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)) else { return nil }
    let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))
    return String(decoding: bytes, as: UTF8.self)
}

private func addressText(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    guard let base = bytes.baseAddress, bytes.count == 4 || bytes.count == 16 else { return nil }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        return inet_ntop(family, base, text.baseAddress, socklen_t(text.count)).map { String(cString: $0) }
    }
}

/// A name as it can stand in a log: it may come from a server that wishes us ill.
func printable(_ name: String) -> String {
    let limit = 100
    var text = ""
    for scalar in name.unicodeScalars.prefix(limit) {
        let isPlain = scalar.value > 0x20 && scalar.value < 0x7f
        text.unicodeScalars.append(isPlain ? scalar : "?")
    }
    return name.unicodeScalars.count > limit ? text + "..." : text
}
