/// The subscribe commands, as Redis names them on the wire; its confirmations begin with the same words. `ssubscribe`
/// and `sunsubscribe` are for sharded channels, which a cluster keeps apart from the others. A cluster also sends
/// `sunsubscribe` unasked, when it moves a channel's slot to another node.
///
/// It has no raw value: two verbs are compared for each confirmation, and then strings would be compared.
public enum SubscribeVerb: Sendable, CaseIterable {
    case subscribe, unsubscribe, psubscribe, punsubscribe, ssubscribe, sunsubscribe

    /// The command.
    package var command: StaticString {
        switch self {
        case .subscribe: "SUBSCRIBE"
        case .unsubscribe: "UNSUBSCRIBE"
        case .psubscribe: "PSUBSCRIBE"
        case .punsubscribe: "PUNSUBSCRIBE"
        case .ssubscribe: "SSUBSCRIBE"
        case .sunsubscribe: "SUNSUBSCRIBE"
        }
    }

    /// The word that confirmations begin with.
    package var word: String { "\(command)".lowercased() }

    /// The verb of a confirmation's word; nil for any other word.
    package init?(word: String) {
        guard let verb = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = verb
    }

    /// Whether it begins subscriptions, and does not end them.
    package var isJoining: Bool {
        switch self {
        case .subscribe, .psubscribe, .ssubscribe: true
        case .unsubscribe, .punsubscribe, .sunsubscribe: false
        }
    }
}
