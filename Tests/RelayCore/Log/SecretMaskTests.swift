import RelayCore
import Testing

@Suite("No part of a password is shown, however a server writes it")
struct SecretMaskTests {
    private static let passwords = [
        "s3cret-Passw0rd", "hunter2hunter2", "correct horse battery staple", "pa\"ss'wo\\rd\\n1", "50%25%41 off",
        "<alpha&b>\"c'd",
        "gr\u{fc}n-\u{20ac}uro-xyz", "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}", "!!!$$$???", "tab\tand\u{7f}del",
        String(repeating: "0123456789abcdef", count: 4),
    ]

    /// The forms in which servers and proxies, real and imagined, may write a word.
    private static func forms(of word: String) -> [String] {
        let bytes = Array(word.utf8)
        func each(_ body: (UInt8) -> String) -> String { bytes.map(body).joined() }
        func hex(_ value: some BinaryInteger, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        func octal(_ byte: UInt8) -> String {
            let text = String(byte, radix: 8)
            return String(repeating: "0", count: 3 - text.count) + text
        }
        let isPlain = { (byte: UInt8) in (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte) }
        let slashed = word.map { "\"'\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
        let percent = each { isPlain($0) ? String(decoding: [$0], as: UTF8.self) : "%" + hex($0, 2).uppercased() }
        return [
            word, word.uppercased(), word.lowercased(), "'\(word)'", "\"\(slashed)\"", "`\(word)'", slashed, percent,
            each { "%" + hex($0, 2) }, each { "%" + hex($0, 2).uppercased() }, percent.replacing("%", with: "%25"),
            each { "\\x" + hex($0, 2) }, each { "\\x" + hex($0, 2) }.uppercased(), each { "\\" + octal($0) },
            word.unicodeScalars.map { "\\u" + hex($0.value, 4) }.joined(),
            word.unicodeScalars.map { "\\u{" + hex($0.value, 1) + "}" }.joined(),
            word.unicodeScalars.map { "&#\($0.value);" }.joined(),
            word.unicodeScalars.map { "&#x" + hex($0.value, 1) + ";" }.joined(),
            word.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;"),
            each { isPlain($0) ? String(decoding: [$0], as: UTF8.self) : "\\x" + hex($0, 2) },
            // Control characters in between: as they are, and as the relay replaces them in texts of Redis.
            word.map { "\($0)" }.joined(separator: "\u{1}"), word.map { "\($0)" }.joined(separator: "\u{fffd}"),
            word.map { "\($0)" }.joined(separator: " "), word.map { "\($0)" }.joined(separator: "\\x00"),
        ]
    }

    /// Whether a text shows a run of letters of the password.
    private func shows(_ shown: String, _ password: String) -> Bool {
        let letters = password.lowercased().filter { $0.isLetter || $0.isNumber }
        let text = shown.replacing("(left out, since it may hold a password)", with: "").lowercased().filter {
            $0.isLetter || $0.isNumber
        }
        guard !letters.isEmpty else { return false }
        return (0...max(0, letters.count - 4)).contains { text.contains(letters.dropFirst($0).prefix(4)) }
    }

    @Test(arguments: passwords) func inAnyForm(password: String) {
        var mask = SecretMask()
        mask.add("another-0ne")
        mask.add(password)
        for form in Self.forms(of: password) {
            for text in [
                "ERR unknown command 'AUTH', with args beginning with: 'app' '\(form)' ", "ERR \(form)", form,
                "ERR a=\(form)&b=c", "ERR (\(form.dropLast()))", "ERR (\(form.dropFirst()))", "x\(form)y",
            ] {
                let shown = mask.shown(text)
                #expect(shown != text && !shown.contains(form) && !shows(shown, password), "\(text)")
                #expect(!text.hasPrefix("ERR ") || shown.hasPrefix("ERR ("))
            }
        }
    }

    @Test(arguments: passwords) func cutOffAnywhere(password: String) {
        var mask = SecretMask()
        mask.add(password)
        for form in [password, password.uppercased()] {
            for count in 4...form.count {
                let part = String(form.prefix(count))
                // Only letters and digits are compared, if there are any.
                let letters = part.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
                guard letters.isEmpty || letters.count >= 4 else { continue }
                for text in ["ERR syntax near '\(part)' here", "ERR syntax near \(part)", "ERR \(part)..."] {
                    #expect(mask.shown(text) == "ERR (left out, since it may hold a password)", "\(text)")
                }
            }
        }
    }

    /// The relay keeps 512 bytes of a text, a server perhaps 128.
    @Test func cutOffByWhoeverSentIt() {
        var mask = SecretMask()
        mask.add("s3cret-Passw0rd")
        for length in 100...140 {
            let text = "ERR " + String(repeating: "x ", count: length) + "s3cret-Passw0rd"
            let cut = String(text.prefix(220 + 4))
            let part = cut.drop { $0 != "s" }
            #expect(part.count < 4 || mask.shown(cut) != cut, "\(cut)")
        }
    }

    @Test(arguments: [
        "NOPERM this user has no permissions to access one of the channels used as arguments",
        "ERR unknown command 'SPUBLISH', with args beginning with: 'chat:room.7' 'hello' ",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "MOVED 3999 127.0.0.1:6381", "LOADING Redis is loading the dataset in memory",
        "100% of \\ and & and %zz \\q &x;", "",
    ]) func whatIsNoPasswordIsShown(text: String) {
        var mask = SecretMask()
        #expect(mask.shown(text) == text, "there is none")
        mask.add("")
        #expect(mask.shown(text) == text, "and an empty one is none")
        for password in ["s3cret-Passw0rd", "q7Xk2mP9", "!!!$$$???"] { mask.add(password) }
        #expect(mask.shown(text) == text)
    }

    /// Such a short password would be found in every text.
    @Test(arguments: ["a", "abc", "'\"1", "\u{1}"]) func withAVeryShortPasswordOnlyCodesAreShown(password: String) {
        var mask = SecretMask()
        mask.add(password)
        #expect(mask.shown("NOPERM no permissions") == "NOPERM (left out, since it may hold a password)")
        #expect(mask.shown("ABC no permissions") == "(left out, since it may hold a password)")
        #expect(mask.shown("the server's certificate has expired", .ours).hasPrefix("the server"))
    }

    @Test func aCodeThatIsAPartOfThePasswordIsNotShown() {
        var mask = SecretMask()
        mask.add("SECRETWORD")
        for text in ["SECRETWORD x", "SECRET x", "SECRETWORD", "WORD SECRETWORD"] {
            #expect(mask.shown(text) == "(left out, since it may hold a password)", "\(text)")
        }
        #expect(mask.shown("PROXYERR SECRETWORD").hasPrefix("PROXYERR ("))
    }

    /// The password is longer than what the relay keeps of a text.
    @Test func aVeryLongPassword() {
        var mask = SecretMask()
        let password = (0..<5000).map { String($0) }.joined()
        mask.add(password)
        for part in [password.prefix(600), password.prefix(508), password.dropFirst(300).prefix(500)] {
            #expect(mask.shown("ERR '\(part)") == "ERR (left out, since it may hold a password)")
        }
    }

    @Test func aFormerPasswordStaysSecret() {
        var mask = SecretMask()
        let passwords = [
            "swordfish", "hunter2hunter2", "tr0ub4dor", "correct-horse", "battery-staple", "open-sesame", "xyzzy-plugh",
        ]
        for password in passwords { mask.add(password) }
        for password in passwords { #expect(!mask.shown("ERR \(password)").contains(password), "\(password)") }
    }
}
