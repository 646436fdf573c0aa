// A wrong prefix divides a fleet into relays that do not hear each other, and each of them is UP. So a prefix that is
// most likely a mistake is refused here, and the error says how to correct it.

/// The bytes of a prefix.
///
/// - Throws: ``InvalidValue`` when it is too long, or seems to contain the quotes, a comment or the line end of a file.
func parsePrefix(_ text: String) throws(InvalidValue) -> [UInt8] {
    guard text.utf8.count <= maxPrefixBytes else { throw InvalidValue("has \(text.utf8.count) bytes") }
    let scalars = text.unicodeScalars
    if let first = scalars.first, let last = scalars.last, isQuote(first) || isQuote(last) {
        throw InvalidValue(
            "begins or ends with a quote, which would become part of every channel: write it without quotes, because "
                + "some files, such as those of docker --env-file, keep them")
    }
    if scalars.contains("#") {
        throw InvalidValue(
            "has a #: a comment after a value would become part of every channel: put it on a line of its own")
    }
    if let invisible = scalars.first(where: \.properties.generalCategory.isInvisible) {
        throw InvalidValue(
            "has an invisible character, \(escaped(String(invisible), quotes: false)): remove it"
                + (invisible == "\r" ? ", for example by saving the file with Unix line endings" : ""))
    }
    if scalars.contains(where: \.properties.isWhitespace) {
        throw InvalidValue("has a blank: remove it, also before and after the value")
    }
    return Array(text.utf8)
}

private func isQuote(_ scalar: Unicode.Scalar) -> Bool {
    "\"'`\u{2018}\u{2019}\u{201c}\u{201d}".unicodeScalars.contains(scalar)
}

extension SettingReader {
    /// The prefix of every channel. `other` is that of a connection string, where an empty prefix counts as none given.
    func prefix(orElse other: String?) -> [UInt8] {
        let other = other.flatMap { $0.isEmpty ? nil : $0 }
        let isNone = optionalBoolean(.prefixNone) ?? false
        guard let text = givenText(.prefix) else {
            if isNone { return [] }
            guard let other else {
                if isSound(.redis) { missing(.prefix, "; allowed: \(Setting.prefix.allowed)") }
                return []
            }
            return channelPrefix(other)
        }
        if isNone, !text.isEmpty {
            fault(
                .prefixNone,
                "true, which means no prefix, and \(name(.prefix)) is \(quoted(text)); only one of them is allowed")
            return []
        }
        if text.isEmpty, !isFlag(.prefix), !isNone {
            fault(
                .prefix,
                "\"\" is empty, and without a prefix all apps of a Redis share their channels; allowed: "
                    + Setting.prefix.allowed)
            return []
        }
        return text.isEmpty ? [] : optionalValue(.prefix, parsePrefix) ?? []
    }

    private func channelPrefix(_ text: String) -> [UInt8] {
        do throws(InvalidValue) { return try parsePrefix(text) } catch {
            fault(.redis, "its channelPrefix, \(quoted(text)), \(error.reason); allowed: \(Setting.prefix.allowed)")
            return []
        }
    }
}
