/// The path of a Unix socket that this process listens on, for the code that watches over it.
package protocol ListeningPath: AnyObject {
    var path: String { get }
    /// The listening socket, non-blocking and close-on-exec. The code that listens with it owns it and closes it.
    var descriptor: Int32 { get }
    /// Whether the path still leads to that socket.
    var isOurs: Bool { get }
    /// Whether clients that connect to the socket, and are not accepted by this process, are accepted by the next one.
    var outlivesProcess: Bool { get }
    /// Binds a new socket at the path after the old one has gone from there, and changes `descriptor`.
    /// - Throws: why it failed. Nothing has changed then, and the caller may try again.
    func bindAgain() throws(SocketPathError)
    /// Gives the path up. The listening descriptor stays open. May be called more than once.
    /// - Returns: whether the path went to a successor that was waiting for it.
    @discardableResult func release() -> Bool
}
