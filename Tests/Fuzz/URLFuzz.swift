internal import Glibc

/// Any text for a Redis URL is either an address, or is refused. An address survives being written and read again, and
/// no text shown about it has a secret.
func fuzzURLs(_ input: UnsafeRawBufferPointer) {
    guard let (text, hasSecret) = textWithSecret(input) else { return }
    checkHost(text)
    if hasSecret { checkMask(text) }
    do throws(InvalidValue) {
        let address = try parseRedisAddress(text)
        checkDisplay(address)
        guard address.options == nil else { return }
        checkRoundTrip(address)
        if address.password.map(isSecretIn) == true { precondition(!isSecretIn(maskedRedisAddress(text))) }
    } catch {
        precondition(!error.reason.isEmpty && !isSecretIn(error.reason))
    }
}

/// The C library agrees about which texts are IP addresses.
private func checkHost(_ text: String) {
    guard !text.utf8.contains(0), text.utf8.count < 100 else { return }
    var address = in6_addr()
    precondition(isIPv4Address(text) == (inet_pton(AF_INET, text, &address) == 1))
    if !text.contains("%") { precondition(isIPv6Address(text) == (inet_pton(AF_INET6, text, &address) == 1)) }
}
