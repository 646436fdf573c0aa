/// What a server sends by TLS, right or wrong, is delivered only as the beginning of what the server wrote. The session
/// counts the bytes that have not left as the server sees them. The first byte of the input says how the rest is used:
/// as the server's own bytes, or as steps of a conversation with a real server.
func fuzzTLSRecords(_ input: UnsafeRawBufferPointer) {
    guard let mode = input.first else { return }
    let rest = UnsafeRawBufferPointer(rebasing: input.dropFirst())
    guard mode & 1 == 0 else { return fuzzServerBytes(rest) }
    var conversation = TLSConversation(isOld: mode & 2 != 0)
    if mode & 4 == 0 { conversation.shakeHands() }
    conversation.perform(rest)
}

nonisolated(unsafe) let fuzzedTLSContext = try! TLSContext(TLSContext.Settings(isInsecure: true))

/// Without a key nobody gets through the handshake, and it fails in the same way however the bytes come.
private func fuzzServerBytes(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    let whole = failure(of: input) { input.count }
    precondition(whole == failure(of: input) { 1 } && whole == failure(of: input) { 1 + choices.next(60) })
}

private func failure(of input: UnsafeRawBufferPointer, size: () -> Int) -> TLSError? {
    guard let session = try? TLSSession(context: fuzzedTLSContext, serverName: "localhost") else {
        preconditionFailure("no session")
    }
    try? session.startHandshake()
    precondition(session.hasOutput)
    var failure: TLSError?
    inPieces(input, size: size) { piece in
        do throws(TLSError) {
            try session.receive(piece) { _ in preconditionFailure("plaintext without a handshake") }
        } catch {
            precondition(!error.description.isEmpty && (failure == nil || failure == error))
            failure = error
        }
        precondition(!session.isEstablished)
        session.takeOutput { _ in 0 }
        return true
    }
    if let failure { precondition(session.end() == failure && session.timeOut() == failure) }
    return failure
}
