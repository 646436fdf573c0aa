extension HubrelayReply {
    /// The names that Redis refused: channels first, then patterns.
    package var refusedNames: [String] { channels + patterns }
}
