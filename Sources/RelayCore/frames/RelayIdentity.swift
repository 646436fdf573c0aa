/// What a Welcome says about the relay itself; it stays the same as long as the relay runs.
package struct RelayIdentity: Sendable {
    package var version: String
    /// Random, new at each start.
    package var id: String
    package var maxPayloadBytes: Int
    package var features: [String]
    package var maxFrameBytes: Int { maxPayloadBytes + frameOverheadBytes }

    package init(version: String, id: String, maxPayloadBytes: Int, features: [String]) {
        (self.version, self.id, self.maxPayloadBytes, self.features) = (version, id, maxPayloadBytes, features)
    }
}
