/// Where each setting comes from: a flag, or else its environment variable.
package struct SettingSources {
    private let flags: [String: [String]]
    private let environment: (String) -> String?

    /// Parameters as for ``RelayConfiguration/parse(flags:environment:variables:)``.
    package init(flags: [String: [String]], environment: @escaping (String) -> String?) {
        (self.flags, self.environment) = (flags, environment)
    }

    /// What was given for a setting, the last one of several; nil: nothing.
    package func text(_ setting: Setting) -> String? { texts(setting).last }

    /// How a line begins that says what is wrong with a setting: the source of its value, and the other way to set it.
    package func lead(_ setting: Setting) -> String {
        guard setting.spelling == .flagAndVariable else { return name(setting) }
        let (flag, variable) = (setting.flag, setting.environmentName)
        return name(setting) == flag ? "\(flag) (or \(variable))" : "\(variable) (or \(flag))"
    }

    /// The source of a setting's value; the flag where there is none.
    func name(_ setting: Setting) -> String {
        if setting.spelling == .variable { return setting.environmentName }
        return isFlag(setting) || variable(setting) == nil ? setting.flag : setting.environmentName
    }

    func isFlag(_ setting: Setting) -> Bool { flags[setting.flag]?.isEmpty == false }

    /// Everything that was given for a setting.
    func texts(_ setting: Setting) -> [String] {
        if let typed = flags[setting.flag], !typed.isEmpty { return typed }
        return variable(setting).map { [$0] } ?? []
    }

    private func variable(_ setting: Setting) -> String? {
        setting.spelling == .flag ? nil : environment(setting.environmentName)
    }
}
