@testable import RelayCore

// `#expect` copies its operands, and a queue cannot be copied.
extension HubNode {
    var hasUnansweredCommands: Bool { !commands.isEmpty }
    var hasRefusedBatches: Bool { !refusedBatches.isEmpty }
}
