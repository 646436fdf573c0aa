/// How far a Subscribe or Unsubscribe is, which is carried out name by name.
struct RequestProgress {
    enum Stage {
        /// Checks whether every name may be asked for. Nothing takes effect before that is known.
        case checking
        /// Subscribe: looks every name up or puts it in the table, and counts it for the limits.
        case collecting
        /// Subscribe: asks Redis for the names that it does not have.
        case asking
        /// Unsubscribe: takes the connection off the names.
        case leaving
    }

    let operation: NameOperation
    var stage = Stage.checking
    /// How far the stage is: in bytes of the request's fields, or for `asking` in names of the operation.
    var position = 0
    /// Names met so far, each of which counts once. Used only if there are too many names to search them one by one.
    var seen: Set<UInt32> = []
    /// For an Unsubscribe: whether it is answered after earlier requests.
    var mustWait = false
    /// For a Subscribe on a cluster: the nodes of its names, by their indices in `Hub.nodes`.
    var nodes: Set<UInt16> = []

    init(_ operation: NameOperation) { self.operation = operation }
}

/// A request with more names than one turn takes on, between two turns. The splitter keeps its frame.
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
