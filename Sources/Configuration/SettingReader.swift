/// Finds the text of each setting and turns it into a value, or into the one line that says what is wrong with it.
struct SettingReader {
    let flags: [String: [String]]
    let environment: (String) -> String?

    /// Where the text of a setting came from, as an error names it.
    func name(_ setting: Setting) -> String {
        isFlag(setting) || environmentText(setting) == nil ? setting.flag : setting.environmentName
    }

    func isFlag(_ setting: Setting) -> Bool {
        flags[setting.flag]?.isEmpty == false
    }

    /// Whether there is a value besides the default.
    func isGiven(_ setting: Setting) -> Bool {
        !texts(setting).isEmpty
    }

    /// The value of a setting that has a default, or is required.
    ///
    /// `other`, if there is one, stands before the default, and for what is required.
    func value<Value>(
        _ setting: Setting, shownAs shown: (String) -> String = { $0 }, orElse other: Value? = nil,
        _ parse: (String) throws(InvalidValue) -> Value
    ) throws(ConfigurationError) -> Value {
        if let other, !isGiven(setting) { return other }
        guard let text = texts(setting).last ?? setting.defaultText else {
            throw ConfigurationError(
                "\(setting.flag) (or \(setting.environmentName)) is required; allowed: \(setting.allowed)")
        }
        return try parsed(text, setting, shown, parse)
    }

    /// The value of a setting that may be absent.
    func optionalValue<Value>(
        _ setting: Setting, shownAs shown: (String) -> String = { $0 },
        _ parse: (String) throws(InvalidValue) -> Value
    ) throws(ConfigurationError) -> Value? {
        guard let text = texts(setting).last else { return nil }
        return try parsed(text, setting, shown, parse)
    }

    /// What was given for a setting, whatever it means; nil: nothing.
    func givenText(_ setting: Setting) -> String? { texts(setting).last }

    /// Every value of a setting that may be repeated.
    func values<Value>(
        _ setting: Setting, _ parse: (String) throws(InvalidValue) -> Value
    ) throws(ConfigurationError) -> [Value] {
        var values: [Value] = []
        for text in texts(setting) { values.append(try parsed(text, setting, { $0 }, parse)) }
        return values
    }

    /// Throws unless two settings fit together; either may have its default.
    func require(
        _ holds: Bool, _ setting: Setting, _ relation: String, _ other: Setting
    ) throws(ConfigurationError) {
        guard !holds else { return }
        let limit = "\(relation) \(name(other)), which is \(shownText(other))"
        throw ConfigurationError("\(name(setting)): \(shownText(setting)); allowed: \(limit)")
    }

    // Which kind a setting has is in the table, so that a mismatch is a slip in the code and shows in every test.

    func size(_ setting: Setting) throws(ConfigurationError) -> Int {
        guard case .size(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return try value(setting) { text throws(InvalidValue) in try parseSize(text, in: range) }
    }

    func count(_ setting: Setting) throws(ConfigurationError) -> Int {
        guard case .count(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return try value(setting) { text throws(InvalidValue) in Int(try parseCount(text, in: range)) }
    }

    func duration(_ setting: Setting, orElse other: UInt64? = nil) throws(ConfigurationError) -> UInt64 {
        guard case .duration(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return try value(setting, orElse: other) { text throws(InvalidValue) in try parseDuration(text, in: range) }
    }

    /// nil when the setting is `off`.
    func durationOrOff(_ setting: Setting) throws(ConfigurationError) -> UInt64? {
        guard case .durationOrOff(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return try value(setting) { text throws(InvalidValue) in
            text == "off" ? nil : try parseDuration(text, in: range)
        }
    }

    /// nil when it is not given, whatever its default.
    func optionalBoolean(_ setting: Setting) throws(ConfigurationError) -> Bool? {
        try optionalValue(setting) { text throws(InvalidValue) in
            guard let value = parseBoolean(text) else { throw InvalidValue("is neither true nor false") }
            return value
        }
    }

    private func texts(_ setting: Setting) -> [String] {
        if let typed = flags[setting.flag], !typed.isEmpty { return typed }
        return environmentText(setting).map { [$0] } ?? []
    }

    private func environmentText(_ setting: Setting) -> String? {
        guard let text = environment(setting.environmentName) else { return nil }
        // Only of text can an empty value be meant.
        if case .text = setting.kind { return text }
        return text.isEmpty ? nil : text
    }

    private func shownText(_ setting: Setting) -> String {
        texts(setting).last ?? setting.defaultText.map { "\($0) by default" } ?? "absent"
    }

    private func parsed<Value>(
        _ text: String, _ setting: Setting, _ shown: (String) -> String,
        _ parse: (String) throws(InvalidValue) -> Value
    ) throws(ConfigurationError) -> Value {
        do throws(InvalidValue) {
            // What the system's bytes become where they are no text.
            guard !text.unicodeScalars.contains("\u{fffd}") else { throw InvalidValue("is not UTF-8") }
            return try parse(text)
        } catch {
            throw ConfigurationError(
                "\(name(setting)): \(quoted(shown(text))) \(error.reason); allowed: \(setting.allowed)")
        }
    }
}
