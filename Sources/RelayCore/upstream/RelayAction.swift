package import Configuration

/// The actions that `Upstream` and `Hub` ask for. The I/O layer takes them with `Upstream.nextAction`, performs them in
/// their order, and decides nothing. It reports their results as events (to `Link` and `Upstream`), also while it
/// performs an action.
///
/// Rare actions are `indirect`, so that the others are small.
package enum RelayAction {
    // MARK: Links

    /// Look these hosts up at the same time, then call `resolved` or `resolvingFailed`. Abandon whatever the link's
    /// attempt was doing before.
    case resolve(Link, [RedisConfiguration.Endpoint])
    /// The look-up has taken too long: end it, and call `resolvingEnded` with what has been found.
    case endResolving(Link)
    /// Connect, then call `connected` or `connectingFailed`. Abandon whatever the attempt was doing before.
    indirect case connect(Link, Destination)
    /// Abandon whatever the link's attempt is doing. Its later results are ignored.
    case abandonAttempt(Link)
    /// Begin the TLS handshake on the link's connection, then call `secured`, or `fail`.
    indirect case secure(Link, serverName: String)
    /// The TLS handshake has taken too long: call `fail` with the reason for that.
    case endSecuring(Link)
    /// Read the password of the link's credentials again, then call `canCarryCommands`, or `fail`. From now on replies
    /// are read.
    case readPassword(Link)
    /// Call `writes` with the size of the link's `output`, write it, and empty it; then call `backlogChanged`.
    case write(Link)
    /// Close the link's connection.
    /// - Parameter inOrder: true: close it in order, so that what was written still arrives. false: reset it, so that
    ///   as little of that as possible still arrives.
    case close(Link, inOrder: Bool)
    /// Call `wake` at this time, instead of a time that was asked for before. nil: do not call it.
    indirect case wake(Link, at: UInt64?)
    /// The link has ended for good: release everything that is kept for it.
    case dispose(Link)

    // MARK: Connections of apps

    /// The hub has nothing more to send on this connection. At the next `writeToApps`, shut down the write side after
    /// its outbox is written.
    /// - Parameter code: the code of the Error frame at the end of the outbox; nil if the connection ends without an
    ///   error.
    indirect case finish(ConnectionID, code: ErrorCode?, detail: String)
    /// Close this connection now, even if some of its output has not been written.
    case closeConnection(ConnectionID)
    /// Read from this connection again.
    case resumeReading(ConnectionID)
    /// Something has happened to this connection that may be logged.
    indirect case tell(ConnectionID, ClientEvent)
    /// So much has been published to this node that it is written before the turn ends. `Upstream.nextAction` handles
    /// this action itself.
    case flushPublishes(HubNode)

    // MARK: The relay

    /// Call `timerFired` after so many nanoseconds, instead of at a time that was asked for before.
    indirect case startTimer(UpstreamTimer, after: UInt64)
    /// Write a line to the log.
    indirect case log(LogLine)
    /// The path is UP for the first time.
    case ready
    /// Redis cannot be used, and the relay is configured not to wait for it.
    case giveUp
    /// Write the turn's output for apps. After that, shut down the write side of the connections that `finish` has
    /// named.
    case writeToApps
    /// Run another turn at once.
    case takeAnotherTurn
}

/// The timers of the upstream itself.
package enum UpstreamTimer: Hashable, Sendable {
    /// Publishes were held back for what is on its way from a former master to its successor. They may go on.
    case succession
    /// Ask a member of the cluster again which node has which slots.
    case refresh
}
