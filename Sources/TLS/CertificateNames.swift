internal import COpenSSL
internal import Glibc

/// What a certificate identifies: its host names and addresses or, if it has none, the common name of its subject.
struct CertificateNames: CustomStringConvertible {
    private static let shown = 3
    private var names: [String] = []
    private var hostNames: [String] = []
    private var commonName: String?

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
                if kind == GEN_DNS {
                    hostNames.append(printable(String(decoding: name, as: UTF8.self)))
                    names.append(hostNames[hostNames.count - 1])
                }
                if kind == GEN_IPADD, let address = addressText(name) { names.append(address) }
            }
        }
        commonName = subjectName(of: certificate).map(printable)
        if names.isEmpty, let commonName { names = [commonName] }
    }

    /// Where an address stands in the certificate in a place that does not count: as a DNS name, or as the common name.
    /// An IP address counts only as a subject alternative name of type IP address (RFC 6125, B.2 and RFC 9525, 6.5).
    /// Nil if the address stands in neither place.
    func place(ofAddress address: String) -> String? {
        guard let wanted = addressBytes(address) else { return nil }
        if hostNames.contains(where: { addressBytes($0) == wanted }) { return "as a DNS name" }
        return commonName.flatMap(addressBytes) == wanted ? "as its common name" : nil
    }

    /// The certificate's host names, without those that look like addresses; nil if there are none.
    var hosts: String? {
        let hosts = (hostNames.isEmpty ? [commonName].compactMap { $0 } : hostNames).filter { addressBytes($0) == nil }
        return hosts.isEmpty ? nil : joined(hosts)
    }

    /// The names, joined as in a sentence. If there are more than three, the first three and the number of the others.
    var description: String { joined(names) }

    private func joined(_ names: [String]) -> String {
        guard names.count > 1 else { return names.first ?? "nobody" }
        let rest = names.count - Self.shown
        if rest > 0 { return names.prefix(Self.shown).joined(separator: ", ") + " and \(rest) more" }
        return names.dropLast().joined(separator: ", ") + " and " + names[names.count - 1]
    }
}

/// The bytes of an IP address in its usual notation; nil if the text is not an IP address.
private func addressBytes(_ text: String) -> [UInt8]? {
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
        var bytes = [UInt8](repeating: 0, count: count)
        if inet_pton(family, text, &bytes) == 1 { return bytes }
    }
    return nil
}

/// The common name of the subject of a certificate.
private func subjectName(of certificate: OpaquePointer) -> String? {
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

/// A name in a form that is safe in a log, since it may come from a hostile server: at most 100 characters, then "...";
/// spaces, and all that is not printable ASCII, become "?".
func printable(_ name: String) -> String {
    let limit = 100
    var text = ""
    for scalar in name.unicodeScalars.prefix(limit) {
        let isPlain = scalar.value > 0x20 && scalar.value < 0x7f
        text.unicodeScalars.append(isPlain ? scalar : "?")
    }
    return name.unicodeScalars.count > limit ? text + "..." : text
}
