/// The replies in a stream that comes in pieces, up to a malformed place, without messages and confirmations.
func wholeReplies(in input: UnsafeRawBufferPointer, size: () -> Int) -> [RedisValue] {
    let sink = GatheringSink()
    let reader = ReplyReader(limits: ReplyLimits(), sink: sink)
    inPieces(input, size: size) { piece in (try? reader.feed(piece)) != nil }
    return sink.replies
}

private final class GatheringSink: ReplySink {
    var replies: [RedisValue] = []

    override func integer(_ value: Int64) { replies.append(.integer(value)) }
    override func reply(_ value: RedisValue) { replies.append(value) }
}
