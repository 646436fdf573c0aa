/// What has been asked on a link, and how far the other end is with its answers. Both counts only ever grow; what was given
/// up with a connection counts as answered.
package struct LinkDebt: Sendable, Equatable {
    /// Commands that have been asked.
    package var asked: UInt64
    /// Commands that have their whole answer. They come in the order of asking, so the oldest one without an answer is the
    /// one after these.
    package var answered: UInt64
    /// Answers that have come, where a command may have several: a SUBSCRIBE has one for each name.
    package var answers: UInt64

    package init(asked: UInt64 = 0, answered: UInt64 = 0, answers: UInt64? = nil) {
        (self.asked, self.answered, self.answers) = (asked, answered, answers ?? answered)
    }

    /// Whether a command is unanswered.
    package var isOwed: Bool { answered < asked }
}
