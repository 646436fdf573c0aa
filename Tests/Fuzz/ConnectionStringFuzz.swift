/// Any connection string is either an address, or is refused. White space, empty parts and the case of keys change
/// nothing. The address survives being written and read again, and no text shown about it has a secret.
func fuzzConnectionStrings(_ input: UnsafeRawBufferPointer) {
    guard let (text, hasSecret) = textWithSecret(input), splitScheme(text) == nil, !hasMarkedSyntax(text) else {
        return
    }
    if hasSecret { checkMask(text) }
    var choices = Choices(input)
    let varied = varied(text, &choices)
    do throws(InvalidValue) {
        let address = try parseStackExchangeString(text)
        precondition((try? parseStackExchangeString(varied)) == address)
        checkDisplay(address)
        checkOptions(address)
        if let options = address.options {
            precondition(!options.withoutMeaning.contains(where: isSecretIn))
            checkRewritten(address, options)
        }
    } catch {
        precondition(!error.reason.isEmpty && !isSecretIn(error.reason))
        precondition((try? parseStackExchangeString(varied)) == nil)
    }
}

/// The same text with spaces, empty parts at the end, and keys in another case.
private func varied(_ text: String, _ choices: inout Choices) -> String {
    var parts: [String] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let space = [" ", "", "\t", "  "][choices.next(4)]
        guard let equals = part.firstIndex(of: "=") else {
            parts.append(space + part)
            continue
        }
        let key = String(part[..<equals])
        // An unknown key may be quoted, so it stays as it is: letters beyond ASCII change with their case.
        let isKnown = StackExchangeKey.all.contains { $0.name.lowercased() == key.lowercased() }
        let cased = isKnown && choices.next(2) == 0 ? key.uppercased() : key
        parts.append(space + cased + space + part[equals...] + space)
    }
    return parts.joined(separator: ",") + [",", "", " , "][choices.next(3)]
}

private func checkOptions(_ address: RedisAddress) {
    guard let options = address.options else { preconditionFailure("a connection string without its options") }
    precondition(address.username?.isEmpty != true && options.clientName?.isEmpty != true)
    precondition(address.password?.isEmpty != true || address.username != nil)
    precondition(options.channelPrefix.map { $0.utf8.count <= maxPrefixBytes } ?? true)
    precondition(options.connectRetry.map { $0 >= 1 } ?? true)
    if case .duration(let range) = Setting.connectTimeout.kind {
        precondition(options.connectTimeout.map(range.contains) ?? true)
    }
}

/// The address, written in its plainest form, is read as the same. Options that have no meaning here are left out.
private func checkRewritten(_ address: RedisAddress, _ options: StackExchangeOptions) {
    var parts: [String] = []
    func add(_ key: String, _ value: String?) { if let value { parts.append("\(key)=\(value)") } }
    switch address.topology {
    case .servers(let endpoints): parts = endpoints.map(written)
    case .sentinel(let endpoints, let service):
        parts = endpoints.map(written)
        add("serviceName", service)
    case .cluster: preconditionFailure("a connection string that is a cluster's")
    }
    add("user", address.username)
    add("password", address.password)
    add("ssl", address.tls == nil ? "false" : "true")
    add("sslHost", address.tls?.serverName)
    if let versions = address.tls?.versions {
        add(
            "sslProtocols",
            [versions.lowerBound == .v12 ? "tls12" : "", versions.upperBound == .v13 ? "tls13" : ""]
                .filter { !$0.isEmpty }.joined(separator: "|"))
    }
    add("sentinelUser", options.sentinelUsername)
    add("sentinelPassword", options.sentinelPassword)
    add("abortConnect", options.abortsConnect.map { $0 ? "yes" : "no" })
    add("connectRetry", options.connectRetry.map { "\($0)" })
    add("connectTimeout", options.connectTimeout.map { "\($0 / millisecond)" })
    add("channelPrefix", options.channelPrefix)
    add("name", options.clientName)
    guard var again = try? parseStackExchangeString(parts.joined(separator: ",")) else {
        preconditionFailure("a connection string that was written is none")
    }
    again.options?.withoutMeaning = options.withoutMeaning
    precondition(again == address)
}

private func written(_ endpoint: RedisConfiguration.Endpoint) -> String {
    if case .unix(let path) = endpoint { return "!" + path }
    return endpoint.description
}
