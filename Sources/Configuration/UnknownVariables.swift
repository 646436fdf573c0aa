extension SettingReader {
    /// Notes a fault for each variable that looks like a setting and is not one. It is most likely misspelt, and the
    /// setting that was meant would keep its default. The value is not shown, because it may be a password.
    ///
    /// - Returns: notices for the operator about the variables that are not faults.
    func unknownVariables(among names: [String], value: (String) -> String?) -> [String] {
        let services = ServiceVariables(among: names, value: value)
        let isAllowed = optionalBoolean(.allowUnknown) ?? false
        var notices = services.services.map { service in
            "the variables \(service)_PORT..., \(service)_SERVICE_... are from Kubernetes, for a Service, and not "
                + "settings; enableServiceLinks: false in the Pod removes them"
        }
        for name in Setting.unknownVariables(among: names) where !services.contain(name) {
            let shown = escaped(String(name.prefix(100)), quotes: false)
            guard !isAllowed else {
                notices.append("the variable \(shown) is not a setting")
                continue
            }
            let nearest = Setting.nearestVariable(to: name).map { ", the nearest is \($0)" } ?? ""
            faults.add(
                ConfigurationError(
                    "\(shown): there is no such setting\(nearest); allowed: those in hubrelay serve --help, "
                        + "and any other with \(Setting.allowUnknown.environmentName)=true"))
        }
        return notices
    }
}

extension Setting {
    /// The variables that look like settings of `serve` and are not. Those of the small commands are left out.
    static func unknownVariables(among names: [String]) -> [String] {
        let known = Set((knownVariables + [timeout]).map(\.environmentName))
        return names.filter { $0.hasPrefix("HUBRELAY_") && !known.contains($0) }.sorted()
    }

    /// The variable that was most likely meant; nil if none is near.
    static func nearestVariable(to name: String) -> String? {
        let typed = words(name)
        let candidates = knownVariables.map { setting in
            (name: setting.environmentName, distance: distance(typed, words(setting.environmentName)))
        }
        // Of several that are equally near, the shortest one: it has fewer letters that nobody typed.
        let best = candidates.min { ($0.distance, $0.name.utf8.count) < ($1.distance, $1.name.utf8.count) }
        guard let best, best.distance <= max(2, typed.joined().utf8.count / 2) else { return nil }
        return best.name
    }

    private static var knownVariables: [Setting] { all + variablesOnly }

    private static func words(_ name: String) -> [Substring] { name.dropFirst("HUBRELAY_".count).split(separator: "_") }

    /// The number of letters that differ. If one name has all words of the other, it is at most two for each additional
    /// word, or one if only their order differs: HUBRELAY_REDIS_URL is nearer to HUBRELAY_REDIS than to
    /// HUBRELAY_REDIS_KEY.
    private static func distance(_ one: [Substring], _ other: [Substring]) -> Int {
        let letters = editDistance(one.joined(separator: "_"), other.joined(separator: "_"))
        guard Set(one).isSubset(of: other) || Set(other).isSubset(of: one) else { return letters }
        return min(letters, max(1, 2 * abs(one.count - other.count)))
    }
}

/// How many letters must be inserted, removed, changed, or swapped with the next one, to turn one text into the other.
func editDistance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one.utf8.prefix(100)), Array(other.utf8.prefix(100)))
    var before: [Int] = []
    var last = Array(0...other.count)
    for i in 0..<one.count {
        var row = [i + 1]
        for j in 0..<other.count {
            var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (one[i] == other[j] ? 0 : 1))
            if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] { least = min(least, before[j - 1] + 1) }
            row.append(least)
        }
        (before, last) = (last, row)
    }
    return last[other.count]
}
