/// Why no Message can carry a channel that another client of Redis has published to.
struct ChannelFaults: OptionSet {
    var rawValue: UInt8

    static let empty = ChannelFaults(rawValue: 1)
    static let tooLong = ChannelFaults(rawValue: 2)
    static let notUTF8 = ChannelFaults(rawValue: 4)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What is wrong with a channel; empty if nothing is.
    @inline(__always)
    init(of channel: UnsafeRawBufferPointer) {
        self = channel.isEmpty ? .empty : channel.count > maxNameBytes ? .tooLong : isValidUTF8(channel) ? [] : .notUTF8
    }

    /// The text for people in a Loss frame, which may stand for several messages.
    var reason: String {
        var faults: [String] = []
        if contains(.empty) { faults.append("empty") }
        if contains(.tooLong) { faults.append("over \(maxNameBytes) bytes") }
        if contains(.notUTF8) { faults.append("not UTF-8") }
        return "the channel is " + faults.joined(separator: " or ")
    }
}
