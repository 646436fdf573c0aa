/// The variables that Kubernetes sets in every container for the Services of its namespace, unless `enableServiceLinks` is
/// false. Those for a Service named hubrelay, or hubrelay-web, begin as ours do.
/// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
struct ServiceVariables {
    /// What the variables of the Services begin with: `HUBRELAY`, `HUBRELAY_WEB`. In alphabetical order.
    let services: [String]

    /// - Parameter value: returns the value of a variable.
    init(among names: [String], value: (String) -> String?) {
        let all = Set(names)
        services = names.filter { $0.hasPrefix("HUBRELAY_") && $0.hasSuffix(Self.host) }.map {
            String($0.dropLast(Self.host.count))
        }.filter { service in
            // Kubernetes never sets one without the others.
            all.contains(service + Self.port) && value(service + "_PORT").map(Self.isURL) == true
        }.sorted()
    }

    private static let host = "_SERVICE_HOST"
    private static let port = "_SERVICE_PORT"
    private static let protocols = ["TCP", "UDP", "SCTP"]

    /// Whether a variable belongs to one of these Services, by its name.
    func contain(_ name: String) -> Bool {
        services.contains { service in
            guard name.hasPrefix(service + "_") else { return false }
            return Self.isSuffix(name.dropFirst(service.count))
        }
    }

    /// `_SERVICE_HOST`, `_SERVICE_PORT`, `_SERVICE_PORT_NAME`, `_PORT`, `_PORT_8379_TCP`, `_PORT_8379_TCP_ADDR` and so on.
    private static func isSuffix(_ text: Substring) -> Bool {
        if text == host || text == port || text == "_PORT" { return true }
        if text.hasPrefix(port + "_") { return text.utf8.count > port.utf8.count + 1 }
        let words = text.split(separator: "_", omittingEmptySubsequences: false)
        guard (4...5).contains(words.count), words[0].isEmpty, words[1] == "PORT" else { return false }
        let isPort = (try? parsePort(words[2])) != nil
        return isPort && protocols.contains(String(words[3]))
            && (words.count == 4 || ["PROTO", "PORT", "ADDR"].contains(words[4]))
    }

    /// Whether the text is a URL such as `tcp://10.0.0.1:8379`. A person who wants to set a port writes something else.
    private static func isURL(_ text: String) -> Bool {
        guard let (scheme, rest) = splitScheme(text), protocols.contains(scheme.uppercased()) else { return false }
        guard let (_, _, port) = try? splitHostAndPort(rest) else { return false }
        return port != nil
    }
}
