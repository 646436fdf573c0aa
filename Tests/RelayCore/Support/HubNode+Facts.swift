@testable import RelayCore

// `#expect` copies what it looks at, and a queue cannot be copied.
extension HubNode {
    var hasUnansweredCommands: Bool { !commands.isEmpty }
    var hasRefusedBatches: Bool { !refusedBatches.isEmpty }
}
