public import RESP

/// Receives what a ``ReplyReader`` has read, one call for each complete reply, in the order in which Redis wrote
/// them. A class to inherit from and not a protocol: a call through the class's table costs neither a witness
/// lookup nor a retain on the hot path. It is `open`, and what it mentions public, only because Swift lets no
/// other module inherit from a `package` class.
///
/// Bytes that are handed over are valid only during the call. A call may end the reading with
/// ``ReplyReader/stop()``; it must not call ``ReplyReader/feed(_:)``. What is not overridden does nothing.
open class ReplySink {
    public init() {}

    /// A message on a channel, sharded or not, that is subscribed to by its name.
    open func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {}

    /// A message on `channel` that arrived because `pattern` matches it.
    open func patternMessage(
        pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) {}

    /// A message whose payload is no string but nil, a number, an array or the like, which no PUBLISH can make: see
    /// CLIENT TRACKING with REDIRECT. Nothing else of it is told.
    open func oddMessage() {}

    /// Redis has done what one name of a subscribe command asked for.
    ///
    /// `name` is nil only for the three unsubscribe kinds: Redis says so when there was nothing to unsubscribe from.
    /// `count` is never negative: the channels and patterns that the connection has now, as Redis counts,
    /// or for the kinds of sharded channels those alone.
    open func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) {}

    /// Why no array of so many elements can come now, or nil when one can. Asked when its head has been read, so that one
    /// that nobody asked for does not swallow what comes after it. Not asked about messages that are read in place, nor
    /// about what is inside of one.
    /// - Parameter depth: 0 for a reply of its own, 1 for an array inside of one, and so on.
    open func objection(toArrayOf elements: Int, depth: Int) -> String? { nil }

    /// Why no string can be the reply that comes now, or nil when one can. Asked about one that is not all there.
    open func objectionToString() -> String? { nil }

    /// A reply that is one integer, as PUBLISH has.
    open func integer(_ value: Int64) {}

    /// Any other reply: a status, an error, a string, nil, or an array that is none of the above.
    open func reply(_ value: RedisValue) {}
}
