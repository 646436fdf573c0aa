/// Where each setting comes from: a flag, or else its environment variable.
package struct SettingSources {
    private let flags: [String: [String]]
    private let environment: (String) -> String?

    /// The parameters are as for ``RelayConfiguration/parse(flags:environment:variables:)``.
    package init(flags: [String: [String]], environment: @escaping (String) -> String?) {
        (self.flags, self.environment) = (flags, environment)
    }

    /// The text that was given for a setting, the last one of several; nil if there is none.
    package func text(_ setting: Setting) -> String? { texts(setting).last }

    /// The beginning of a line about a fault of a setting: the source of its value, and the other way to set it.
    package func lead(_ setting: Setting) -> String {
        guard setting.spelling == .flagAndVariable else { return name(setting) }
        let (flag, variable) = (setting.flag, setting.environmentName)
        return name(setting) == flag ? "\(flag) (or \(variable))" : "\(variable) (or \(flag))"
    }

    /// The source of a setting's value; the flag if there is no value.
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
