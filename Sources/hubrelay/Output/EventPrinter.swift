/// Prints what comes from a relay, one line each, as readable text or as JSON.
struct EventPrinter {
    let asJSON: Bool

    /// Prints a frame, unless a person or program has no use for it.
    ///
    /// - Throws: ``CommandFailure`` as ``StandardStreams/writeOutput(_:)``.
    func print(_ frame: ReceivedFrame) throws(CommandFailure) {
        guard let line = asJSON ? frame.jsonLine : frame.textLine else { return }
        try StandardStreams.writeOutput(line)
    }

    /// Prints the answer to a Subscribe, which does not repeat the names itself.
    ///
    /// - Throws: ``CommandFailure`` as ``StandardStreams/writeOutput(_:)``.
    func print(_ reply: ReceivedFrame.Reply, toSubscribe names: [String]) throws(CommandFailure) {
        try StandardStreams.writeOutput(
            asJSON ? reply.jsonLine(toSubscribe: names) : reply.textLine(toSubscribe: names))
    }
}
