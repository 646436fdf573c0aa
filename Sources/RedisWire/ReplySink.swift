public import RESP

/// Receives what a ``ReplyReader`` has read, in one call for each complete reply, in the order in which Redis wrote
/// them. It is a class to inherit from and not a protocol: a call through the class's table costs neither a witness
/// lookup nor a retain on the hot path. It is `open`, and what it mentions is public, only because Swift lets no other
/// module inherit from a `package` class.
///
/// The bytes in a call are valid only during the call. A call may end the reading with ``ReplyReader/stop()``, but must
/// not call ``ReplyReader/feed(_:)``. A method that is not overridden does nothing.
open class ReplySink {
    public init() {}

    /// A message on a channel, sharded or not, that is subscribed to by its name.
    open func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {}

    /// A message on `channel` that arrived because `pattern` matches it.
    open func patternMessage(
        pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) {}

    /// A message whose payload is not a string, but nil, a number, an array or the like. PUBLISH cannot make such a
    /// message; CLIENT TRACKING with REDIRECT can. Nothing else about it is reported.
    open func oddMessage() {}

    /// Redis has carried out a subscribe command for one name.
    ///
    /// `name` is nil only for the three unsubscribe verbs, if there was nothing to unsubscribe from. `count` is never
    /// negative. It is the number of channels and patterns that the connection has now, as Redis counts. For the verbs
    /// of sharded channels, it counts only those.
    open func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) {}

    /// Why no array of so many elements can come now; nil if one can. Asked when its head has been read, so that an
    /// array that nobody asked for does not swallow what comes after it. Not asked about messages that are read in
    /// place, nor about the content of a message.
    /// - Parameter depth: 0 for a reply of its own, 1 for an array inside of one, and so on.
    open func objection(toArrayOf elements: Int, depth: Int) -> String? { nil }

    /// Why no string can be the reply that comes now; nil if one can. Asked about a string that is not complete.
    open func objectionToString() -> String? { nil }

    /// A reply that is one integer, as PUBLISH has.
    open func integer(_ value: Int64) {}

    /// Any other reply: a status, an error, a string, nil, or another array.
    open func reply(_ value: RedisValue) {}
}
