/// Finds the text of each setting and turns it into a value. What is wrong is noted, one line for each fault, and something
/// stands in for the value, so that all faults are found in one go.
struct SettingReader {
    let sources: SettingSources
    let faults = Faults()

    /// What is wrong with the settings, in the order in which it was found.
    final class Faults {
        private(set) var all: [ConfigurationError] = []
        /// The flags of settings whose own value is wrong: what depends on them is not judged.
        fileprivate var flags: Set<String> = []

        /// Notes what is wrong, once, also where a setting is read twice.
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

    /// What `read` gives, unless it finds a fault.
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
    /// Whether there is a value besides the default.
    func isGiven(_ setting: Setting) -> Bool { sources.text(setting) != nil }
    /// What was given for a setting, whatever it means; nil: nothing.
    func givenText(_ setting: Setting) -> String? { sources.text(setting) }

    /// The value of a setting that has a default, which also stands in for a wrong value.
    ///
    /// `other`, if there is one, stands before the default.
    func value<Value>(
        _ setting: Setting, shownAs shown: (String) -> String = { $0 }, orElse other: Value? = nil,
        _ parse: (String) throws(InvalidValue) -> Value
    ) -> Value {
        if let other, !isGiven(setting) { return other }
        if let value = optionalValue(setting, shownAs: shown, parse) { return value }
        guard let text = setting.defaultText, let value = try? parse(text) else { preconditionFailure(setting.flag) }
        return value
    }

    /// The value of a setting that may be absent; nil also where it is wrong.
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

    /// Notes a fault unless two settings fit together; either may have its default.
    func require(_ holds: Bool, _ setting: Setting, _ relation: String, _ other: Setting) {
        guard !holds, isSound(setting), isSound(other) else { return }
        let limit = "\(relation) \(name(other)), which is \(shownText(other))"
        fault(setting, "\(shownText(setting)); allowed: \(limit)")
    }

    // Which kind a setting has is in the table, so that a mismatch is a slip in the code and shows in every test.

    func size(_ setting: Setting) -> Int {
        guard case .size(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return value(setting) { text throws(InvalidValue) in try parseSize(text, in: range) }
    }

    func count(_ setting: Setting) -> Int {
        guard case .count(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return value(setting) { text throws(InvalidValue) in Int(try parseCount(text, in: range)) }
    }

    /// nil when it is not given.
    func optionalCount(_ setting: Setting) -> Int? {
        guard case .count(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return optionalValue(setting) { text throws(InvalidValue) in Int(try parseCount(text, in: range)) }
    }

    func duration(_ setting: Setting, orElse other: UInt64? = nil) -> UInt64 {
        guard case .duration(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return value(setting, orElse: other) { text throws(InvalidValue) in try parseDuration(text, in: range) }
    }

    /// nil when the setting is `off`.
    func durationOrOff(_ setting: Setting) -> UInt64? {
        guard case .durationOrOff(let range) = setting.kind else { preconditionFailure(setting.flag) }
        return value(setting) { text throws(InvalidValue) in
            text == "off" ? nil : try parseDuration(text, in: range)
        }
    }

    /// nil when it is not given, whatever its default.
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
            // What the system's bytes become where they are no text.
            guard !text.unicodeScalars.contains("\u{fffd}") else { throw InvalidValue("is not UTF-8") }
            if text.isEmpty, !isFlag(setting) { throw emptyVariable(setting) }
            return try parse(text)
        } catch {
            fault(setting, "\(quoted(shown(text))) \(error.reason); allowed: \(setting.allowed)")
            return nil
        }
    }

    /// A manifest or a script whose own variable was empty: a default in its place would be a setting that nobody chose.
    private func emptyVariable(_ setting: Setting) -> InvalidValue {
        let fallback = setting.defaultText.map { "for the default, \($0)," } ?? "if it is not wanted"
        return InvalidValue("is empty: leave the variable out \(fallback) or give it a value")
    }
}
