/// How far a Subscribe or Unsubscribe is that is carried out name by name.
struct RequestProgress {
    enum Stage {
        /// Is every name one that may be asked for? Nothing has taken effect before that is known.
        case checking
        /// Subscribe: every name is looked up or put in the table, and counted for the limits.
        case collecting
        /// Subscribe: what Redis does not have is asked for.
        case asking
        /// Unsubscribe: the names go.
        case leaving
    }

    let operation: NameOperation
    var stage = Stage.checking
    /// How far the stage is: bytes of the request's fields, or for `asking` names of the operation.
    var position = 0
    /// Names met so far that count once only, where there are too many to look them through.
    var seen: Set<UInt32> = []
    /// Of an Unsubscribe: whether it is answered after earlier requests.
    var mustWait = false
    /// Of a Subscribe on a cluster: the nodes of its names, by their indices in `Hub.nodes`.
    var nodes: Set<UInt16> = []

    init(_ operation: NameOperation) { self.operation = operation }
}

/// A request with more names than a turn takes on, between two turns. Its frame is kept by the splitter.
final class SuspendedRequest {
    let request: NameRequest
    /// Where the request's fields lie in the body of their frame.
    let range: Range<Int>
    var progress: RequestProgress

    init(_ request: NameRequest, in body: UnsafeRawBufferPointer, _ progress: RequestProgress) {
        (self.request, self.progress) = (request, progress)
        let start = body.baseAddress.flatMap { base in request.content.baseAddress.map { $0 - base } } ?? 0
        range = start..<start + request.content.count
    }

    var operation: NameOperation { progress.operation }
}
