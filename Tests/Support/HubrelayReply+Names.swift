extension HubrelayReply {
    /// What Redis refused: channels first, then patterns.
    package var refusedNames: [String] { channels + patterns }
}
