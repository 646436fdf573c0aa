/// Finds the text of each setting and turns it into a value. Notes a line for each fault, and uses a substitute for a
/// wrong value, so that all faults are found in one go.
struct SettingReader {
    let sources: SettingSources
    let faults = Faults()

    /// What is wrong with the settings, in the order in which it was found.
    final class Faults {
        private(set) var all: [ConfigurationError] = []
        /// The flags of settings whose own value is wrong. Settings that depend on them are not judged.
        fileprivate var flags: Set<String> = []

        /// Notes a fault, but only once if a setting is read twice.
        func add(_ error: ConfigurationError) { if !all.contains(error) { all.append(error) } }
    }

    init(_ sources: SettingSources) { self.sources = sources }

    /// Notes a fault, in a line that begins with the setting.
    func fault(_ setting: Setting, _ text: String) {
        faults.add(ConfigurationError("\(sources.lead(setting)): \(text)"))
        faults.flags.insert(setting.flag)
    }

    /// Notes that a setting that is required is missing.
    func missing(_ setting: Setting, _ text: String) {
        faults.add(ConfigurationError("\(sources.lead(setting)) is required\(text)"))
        faults.flags.insert(setting.flag)
    }

    /// Whether nothing was found to be wrong with the setting's own value.
    func isSound(_ setting: Setting) -> Bool { !faults.flags.contains(setting.flag) }

    /// The result of `read`, unless it finds a fault.
    static func checked<Value>(
        _ sources: SettingSources, _ read: (SettingReader) -> Value
    ) throws(ConfigurationError) -> Value {
        let reader = SettingReader(sources)
        let value = read(reader)
        if let fault = reader.faults.all.first { throw fault }
        return value
    }

    // MARK: One setting

    func name(_ setting: Setting) -> String { sources.name(setting) }
    func isFlag(_ setting: Setting) -> Bool { sources.isFlag(setting) }
    /// Whether a flag or a variable gives a value, so that the default does not count.
    func isGiven(_ setting: Setting) -> Bool { sources.text(setting) != nil }
    /// The text that was given for a setting, not checked; nil if there is none.
    func givenText(_ setting: Setting) -> String? { sources.text(setting) }

    /// The value of a setting that has a default. The default also replaces a wrong value.
    ///
    /// If `other` is not nil, it is used in place of the default.
    func value<Value>(
        _ setting: Setting, shownAs shown: (String) -> String = { $0 }, orElse other: Value? = nil,
        _ parse: (String) throws(InvalidValue) -> Value
    ) -> Value {
        if let other, !isGiven(setting) { return other }
        if let value = optionalValue(setting, shownAs: shown, parse) { return value }
        guard let text = setting.defaultText, let value = try? parse(text) else { preconditionFailure(setting.flag) }
        return value
    }

    /// The value of a setting that may be absent; nil also if the value is wrong.
    func optionalValue<Value>(
        _ setting: Setting, shownAs shown: (String) -> String = { $0 },
        _ parse: (String) throws(InvalidValue) -> Value
    ) -> Value? {
        guard let text = givenText(setting) else { return nil }
        return parsed(text, setting, shown, parse)
    }

    /// Every value of a setting that may be repeated.
    func values<Value>(_ setting: Setting, _ parse: (String) throws(InvalidValue) -> Value) -> [Value] {
        sources.texts(setting).compactMap { parsed($0, setting, { $0 }, parse) }
    }

    /// Notes a fault unless two settings fit together. Either may have its default.
    func require(_ holds: Bool, _ setting: Setting, _ relation: String, _ other: Setting) {
        guard !holds, isSound(setting), isSound(other) else { return }
        let limit = "\(relation) \(name(other)), which is \(shownText(other))"
        fault(setting, "\(shownText(setting)); allowed: \(limit)")
    }

    // The table has the kind of each setting, so a mismatch is a mistake in the code, and shows in every test.

    func size(_ setting: Setting) -> Int {
        guard case .size(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return value(setting) { text throws(InvalidValue) in try parseSize(text, in: range) }
    }

    func count(_ setting: Setting) -> Int {
        guard case .count(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return value(setting) { text throws(InvalidValue) in Int(try parseCount(text, in: range)) }
    }

    /// nil if it is not given.
    func optionalCount(_ setting: Setting) -> Int? {
        guard case .count(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return optionalValue(setting) { text throws(InvalidValue) in Int(try parseCount(text, in: range)) }
    }

    func duration(_ setting: Setting, orElse other: UInt64? = nil) -> UInt64 {
        guard case .duration(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return value(setting, orElse: other) { text throws(InvalidValue) in try parseDuration(text, in: range) }
    }

    /// nil if the setting is `off`.
    func durationOrOff(_ setting: Setting) -> UInt64? {
        guard case .durationOrOff(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return value(setting) { text throws(InvalidValue) in
            text == "off" ? nil : try parseDuration(text, in: range)
        }
    }

    /// nil if it is not given. Its default does not count.
    func optionalBoolean(_ setting: Setting) -> Bool? {
        optionalValue(setting) { text throws(InvalidValue) in
            guard let value = parseBoolean(text) else { throw InvalidValue("is neither true nor false") }
            return value
        }
    }

    private func shownText(_ setting: Setting) -> String {
        givenText(setting) ?? setting.defaultText.map { "\($0) by default" } ?? "absent"
    }

    private func parsed<Value>(
        _ text: String, _ setting: Setting, _ shown: (String) -> String,
        _ parse: (String) throws(InvalidValue) -> Value
    ) -> Value? {
        do throws(InvalidValue) {
            // Bytes that are not UTF-8 have become this character.
            guard !text.unicodeScalars.contains("\u{fffd}") else { throw InvalidValue("is not UTF-8") }
            if text.isEmpty, !isFlag(setting) { throw emptyVariable(setting) }
            return try parse(text)
        } catch {
            fault(setting, "\(quoted(shown(text))) \(error.reason); allowed: \(setting.allowed)")
            return nil
        }
    }

    /// The variable of a manifest or a script was empty. With the default, the relay would have a setting that nobody
    /// chose.
    private func emptyVariable(_ setting: Setting) -> InvalidValue {
        let fallback = setting.defaultText.map { "for the default, \($0)," } ?? "if it is not wanted"
        return InvalidValue("is empty: leave the variable out \(fallback) or give it a value")
    }
}
