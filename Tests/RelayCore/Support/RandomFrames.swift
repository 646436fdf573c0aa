internal import FoundationEssentials
internal import SwiftProtobuf
internal import TestSupport

extension SeededGenerator {
    /// A ClientFrame of any kind, with any values, some of them empty.
    mutating func clientFrame() -> HubrelayClientFrame {
        var frame = HubrelayClientFrame()
        switch int(0...4) {
        case 0:
            frame.hello.version = UInt32(truncatingIfNeeded: number())
            frame.hello.clientName = text(0...20)
        case 1:
            frame.publish.channel = text(0...30)
            frame.publish.payload = Data(bytes(0...300))
            frame.publish.id = number()
        case 2:
            frame.subscribe.id = number()
            frame.subscribe.channels = texts()
            frame.subscribe.patterns = texts()
        case 3:
            frame.unsubscribe.id = number()
            frame.unsubscribe.channels = texts()
            frame.unsubscribe.patterns = texts()
        default: frame.ping.id = number()
        }
        return frame
    }

    mutating func texts() -> [String] { (0..<int(0...5)).map { _ in text(0...12) } }

    /// A field of a number that no message of ours has, of any wire type that proto3 has.
    mutating func unknownField() -> [UInt8] {
        let number = pick([6, 9, 15, 16, 100, 1 << 29 - 1] as [UInt64])
        switch int(0...3) {
        case 0: return varint(number << 3) + varint(self.number())
        case 1: return varint(number << 3 | 1) + bytes(8...8)
        case 2:
            let content = bytes(0...10)
            return varint(number << 3 | 2) + varint(UInt64(content.count)) + content
        default: return varint(number << 3 | 5) + bytes(4...4)
        }
    }

    /// `value` as a varint, sometimes longer than necessary.
    mutating func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var left = value
        while left > 127 {
            bytes.append(UInt8(left & 127 | 128))
            left >>= 7
        }
        bytes.append(UInt8(left))
        guard bytes.count < 9, oneIn(4) else { return bytes }
        bytes[bytes.count - 1] |= 128
        bytes += [UInt8](repeating: 128, count: int(0...(9 - bytes.count))) + [0]
        return bytes
    }

    /// The body of a ClientFrame written by hand: fields in any order, several times, of unexpected wire types and
    /// among unknown ones, lengths and tags as varints that may be too long.
    mutating func looseBody() -> [UInt8] {
        var content: [UInt8] = []
        for _ in 0..<int(0...6) {
            let number = UInt64(int(1...3))
            switch int(0...4) {
            case 0, 1: content += varint(number << 3) + varint(self.number())
            case 2, 3:
                let text = Array(self.text(0...8).utf8)
                content += varint(number << 3 | 2) + varint(UInt64(text.count)) + text
            default: content += unknownField()
            }
        }
        var body = oneIn(3) ? unknownField() : []
        if !oneIn(10) { body += varint(UInt64(int(1...5)) << 3 | 2) + varint(UInt64(content.count)) + content }
        return oneIn(3) ? body + unknownField() : body
    }

    /// `bytes` with one error, or even with none.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        guard !bytes.isEmpty else { return [UInt8.random(in: 0...255, using: &self)] }
        var bytes = bytes
        let place = int(0...(bytes.count - 1))
        switch int(0...5) {
        case 0: bytes[place] ^= 1 << UInt8(int(0...7))
        case 1: bytes[place] = pick([0, 1, 2, 7, 8, 10, 127, 128, 255])
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &self), at: place)
        case 3: bytes.remove(at: place)
        case 4: bytes.removeLast(bytes.count - place)
        default: bytes.insert(contentsOf: bytes[place...], at: 0)
        }
        return bytes
    }
}
