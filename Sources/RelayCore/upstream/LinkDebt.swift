/// What has been asked on a link, and how far the peer has answered it. The counts only grow. Commands that were given
/// up with a connection count as answered.
package struct LinkDebt: Sendable, Equatable {
    /// Commands that have been asked.
    package var asked: UInt64
    /// Commands that are completely answered. Answers come in the order of the commands, so the oldest unanswered
    /// command is the next one after these.
    package var answered: UInt64
    /// Answers that have come. A command may have several: a SUBSCRIBE has one for each name.
    package var answers: UInt64

    package init(asked: UInt64 = 0, answered: UInt64 = 0, answers: UInt64? = nil) {
        (self.asked, self.answered, self.answers) = (asked, answered, answers ?? answered)
    }

    /// Whether a command is unanswered.
    package var isOwed: Bool { answered < asked }
}
