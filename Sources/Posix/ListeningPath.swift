/// The path of a Unix socket that a process listens on, as whoever looks after it sees it.
package protocol ListeningPath: AnyObject {
    var path: String { get }
    /// The listening socket, non-blocking and close-on-exec. It belongs to whoever listens with it, who closes it.
    var descriptor: Int32 { get }
    /// Whether the path still leads to that socket.
    var isOurs: Bool { get }
    /// Binds a new socket at the path, where the old one has gone from it, and changes `descriptor`.
    /// - Throws: why it cannot be. Nothing has changed then, and it may be tried again.
    func bindAgain() throws(SocketPathError)
    /// Gives the path up. The listening descriptor stays open. May be called more than once.
    /// - Returns: whether it went to a successor that had waited for it.
    @discardableResult func release() -> Bool
}
