package import Configuration

/// What `Upstream` and `Hub` want done. The I/O layer takes the actions by `Upstream.nextAction`, performs them in their
/// order, and decides nothing; what comes of them it tells by events (`Link`, `Upstream`), also while it performs them.
///
/// What comes seldom is `indirect`, so that the others are small.
package enum RelayAction {
    // MARK: Links

    /// Look these hosts up at the same time, then call `resolved` or `resolvingFailed`. What the link's attempt had under
    /// way before is over.
    case resolve(Link, [RedisConfiguration.Endpoint])
    /// Looking up has taken its time: end it, and call `resolvingEnded` with what has been found.
    case endResolving(Link)
    /// Connect, then call `connected` or `connectingFailed`. What the attempt had under way before is over.
    indirect case connect(Link, Destination)
    /// Whatever the link's attempt has under way is over; what still comes of it is ignored.
    case abandonAttempt(Link)
    /// Begin the TLS handshake on the link's connection, then call `secured`, or `fail`.
    indirect case secure(Link, serverName: String)
    /// The TLS handshake has taken its time: call `fail` with what that means.
    case endSecuring(Link)
    /// Read the password of the link's credentials anew, then call `canCarryCommands`, or `fail`. From here on replies are read.
    case readPassword(Link)
    /// Call `writes` with the size of the link's `output`, write it, and empty it; then call `backlogChanged`.
    case write(Link)
    /// The link's connection is over.
    /// - Parameter inOrder: with a goodbye, so that what was written still arrives; else it is reset, so that the less of it
    ///   arrives, the better.
    case close(Link, inOrder: Bool)
    /// Call `wake` at this time, and not when that was asked before; nil: do not call it.
    indirect case wake(Link, at: UInt64?)
    /// The link has ended for good: nothing is to be kept for it.
    case dispose(Link)

    // MARK: Connections of apps

    /// The hub has said its last word to this connection: its writing side is shut behind what is in its outbox, at the next
    /// `writeToApps`.
    /// - Parameter code: why, when an Error has been put there; nil when it ends in peace.
    indirect case finish(ConnectionID, code: ErrorCode?, detail: String)
    /// Close this connection now, whatever of its output has not been written.
    case closeConnection(ConnectionID)
    /// Read from this connection again.
    case resumeReading(ConnectionID)
    /// Something has become of this connection that the log may tell.
    indirect case tell(ConnectionID, ClientEvent)
    /// So much has been published that it is to be written before the turn ends. `Upstream.nextAction` deals with it.
    case flushPublishes(HubNode)

    // MARK: The relay

    /// Call `timerFired` after so many nanoseconds, and not when that was asked before.
    indirect case startTimer(UpstreamTimer, after: UInt64)
    /// Write a line.
    indirect case log(LogLine)
    /// The path is UP for the first time.
    case ready
    /// Redis cannot be used, and the relay was told not to wait for it.
    case giveUp
    /// The turn's output for apps is to be written, and the connections to which the last word has been said are to be
    /// shut after that.
    case writeToApps
    /// Another turn is to come at once.
    case takeAnotherTurn
}

/// The timers that are nobody's but the upstream's.
package enum UpstreamTimer: Hashable, Sendable {
    /// Publishes need wait no longer for what is on its way from a former master to its successor.
    case succession
    /// A member of the cluster is to be asked again who has which slots.
    case refresh
}
