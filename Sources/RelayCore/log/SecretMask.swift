/// Keeps passwords out of what people see of servers' texts.
///
/// A server, or a proxy before it, quotes what it does not understand: in capitals, in quotes, escaped,
/// percent-encoded, or cut off. So a server's text that may hold a part of a password is left out as a whole, except
/// the code at its beginning, such as `NOPERM`. Decisions use the server's own text; this is for display.
package struct SecretMask: Sendable {
    /// How many passwords are remembered: those in use, and earlier ones, since a server may still quote them.
    private static let maxSecrets = 16
    private var secrets: [Secret] = []
    /// Changes each time that a password is added.
    package private(set) var version = 0

    package init() {}

    /// A server gets this password, or will get it.
    package mutating func add(_ password: String) {
        guard !password.isEmpty, !secrets.contains(where: { $0.text == password }) else { return }
        if secrets.count == Self.maxSecrets { secrets.removeFirst() }
        secrets.append(Secret(password))
        version += 1
    }

    /// Whose words a text consists of.
    package enum Words: Sendable {
        case server
        /// Ours, with parts of what a server sent. Here a password of two or three letters does not count, since it
        /// would be found in every text.
        case ours
        /// A server's error, of which only the code at its beginning is shown.
        case code
    }

    /// What people may see of a text.
    package func shown(_ text: String, _ words: Words = .server) -> String {
        let leftOut = "(left out, since it may hold a password)"
        if words == .code { return code(of: text) ?? leftOut }
        guard mayHoldSecret(text, isOurs: words == .ours) else { return text }
        return code(of: text).map { "\($0) \(leftOut)" } ?? leftOut
    }

    private func mayHoldSecret(_ text: String, isOurs: Bool = false) -> Bool {
        guard !secrets.isEmpty, !text.isEmpty else { return false }
        if !isOurs, secrets.contains(where: \.isShort) { return true }
        let readings = Self.readings(of: Array(text.utf8))
        for kept in [Kept.letters, .visible] {
            let secrets = secrets.filter { $0.keeps == kept && !$0.isShort }
            guard !secrets.isEmpty else { continue }
            for bytes in readings {
                let reading = Reading(bytes, keeping: kept)
                if secrets.contains(where: { reading.holds($0.bytes) }) { return true }
            }
        }
        return false
    }

    /// A text as it is, and with its escapes undone: first with each kind alone, since what looks like an escape may be
    /// a part of the password, and with all kinds; then the same again, since a proxy may have escaped what a server
    /// had escaped.
    private static func readings(of text: [UInt8]) -> Set<[UInt8]> {
        var readings: Set<[UInt8]> = [text]
        var fresh = readings
        for _ in 0..<2 {
            let plain = fresh.filter(mayHaveEscapes).flatMap { text in
                [Escapes.percent, .backslash, .entity, .all].map { unescaped(text, $0) }
            }
            fresh = Set(plain).subtracting(readings)
            readings.formUnion(fresh)
        }
        return readings
    }

    /// The code in capitals at the beginning of an error; nil if none is there, or an unknown one may be in a password.
    private func code(of text: String) -> String? {
        let word = text.prefix { $0 != " " }
        if Self.knownCodes.contains(word) { return String(word) }
        guard word.utf8.count > 1, word.utf8.allSatisfy({ (0x41...0x5a).contains($0) }) else { return nil }
        let isPart = secrets.contains { $0.isShort || $0.text.uppercased().contains(word) }
        return isPart || mayHoldSecret(String(word)) ? nil : String(word)
    }

    private static let knownCodes: Set<Substring> = [
        "ASK", "BUSY", "CLUSTERDOWN", "CROSSSLOT", "DENIED", "ERR", "EXECABORT", "LOADING", "MASTERDOWN", "MISCONF",
        "MOVED", "NOAUTH", "NOPERM", "NOPROTO", "NOREPLICAS", "NOSUB", "OOM", "READONLY", "TRYAGAIN", "WRONGPASS",
    ]
}

/// Which bytes of a text are compared. Those that servers and proxies drop or insert are not.
private enum Kept {
    /// Letters and digits of ASCII, in lower case.
    case letters
    /// Everything visible except quotes and backslashes: for passwords that have hardly any letters.
    case visible

    func keeps(_ byte: UInt8) -> Bool {
        switch (self, byte) {
        case (_, 0x30...0x39), (_, 0x41...0x5a), (_, 0x61...0x7a): true
        case (.letters, _), (_, 0...0x20), (_, 0x7f), (_, 0x22), (_, 0x27), (_, 0x5c), (_, 0x60): false
        case (.visible, _): true
        }
    }
}

/// A password, and the part of it that is searched for.
private struct Secret: Sendable {
    /// Fewer bytes than this would be found in any text.
    static let fewest = 4
    /// No text of a server is longer than this.
    private static let most = 1024

    let text: String
    let keeps: Kept
    let bytes: [UInt8]

    init(_ password: String) {
        text = password
        let letters = Reading(Array(password.utf8), keeping: .letters).bytes
        keeps = letters.count >= Self.fewest ? .letters : .visible
        let bytes = keeps == .letters ? letters : Reading(Array(password.utf8), keeping: .visible).bytes
        self.bytes = Array(bytes.prefix(Self.most))
    }

    /// Whether it is too short to search for: then every text may hold it.
    var isShort: Bool { bytes.count < Self.fewest }
}

/// A text in the form in which it is compared with passwords.
private struct Reading {
    private(set) var bytes: [UInt8] = []
    /// For each byte, whether no byte that is kept stands directly before it in the text; and whether none stands
    /// directly after it.
    private var begins: [Bool] = []
    private var ends: [Bool] = []

    /// The shortest beginning of a password that counts (the rest may be cut off), and the shortest other part.
    private static let (shortestBeginning, shortestPart) = (4, 6)
    /// A beginning of this length is not found by chance.
    private static let longBeginning = 8
    private let kept: Kept

    init(_ text: [UInt8], keeping kept: Kept) {
        self.kept = kept
        var text = text
        if kept == .visible, text.contains(where: { $0 >= 0x80 }) {
            text = Array(String(decoding: text, as: UTF8.self).lowercased().utf8)
        }
        var isApart = true
        var index = 0
        while index < text.count {
            let byte = text[index]
            // U+FFFD, which replaces bytes that are not text.
            if byte == 0xef, text[index...].starts(with: [0xef, 0xbf, 0xbd]) {
                index += 3
                isApart = true
                continue
            }
            index += 1
            guard kept.keeps(byte) else {
                isApart = true
                if !ends.isEmpty { ends[ends.count - 1] = true }
                continue
            }
            bytes.append((0x41...0x5a).contains(byte) ? byte | 0x20 : byte)
            begins.append(isApart)
            ends.append(false)
            isApart = false
        }
        if !ends.isEmpty { ends[ends.count - 1] = true }
        for index in begins.indices.dropFirst() where begins[index] { ends[index - 1] = true }
    }

    /// Whether it holds the whole secret, or a part of it that looks cut off.
    func holds(_ secret: [UInt8]) -> Bool {
        for start in bytes.indices {
            if bytes[start] == secret[0], isBeginning(of: secret, at: start) { return true }
            if begins[start] || kept == .visible, isPart(of: secret, at: start) { return true }
        }
        return false
    }

    private func isBeginning(of secret: [UInt8], at start: Int) -> Bool {
        let count = run(start, secret[...])
        if count == secret.count || count >= Self.longBeginning { return true }
        // If nearly everything is kept, nothing shows where a word ends.
        return count >= Self.shortestBeginning && (ends[start + count - 1] || kept == .visible)
    }

    /// Whether the bytes from `start` on are a part of the secret, up to where the secret or the word ends.
    private func isPart(of secret: [UInt8], at start: Int) -> Bool {
        for index in secret.indices.dropFirst() where secret[index] == bytes[start] {
            let count = run(start, secret[index...])
            guard count >= Self.shortestPart else { continue }
            if index + count == secret.count || ends[start + count - 1] || kept == .visible { return true }
        }
        return false
    }

    /// How many bytes from `start` on are the same as those of the secret.
    private func run(_ start: Int, _ secret: ArraySlice<UInt8>) -> Int {
        var count = 0
        let most = min(bytes.count - start, secret.count)
        while count < most, bytes[start + count] == secret[secret.startIndex + count] { count += 1 }
        return count
    }
}
