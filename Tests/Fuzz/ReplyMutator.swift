/// Changes a stream of replies element by element. Changes of single bytes mostly break a length, and then the bytes
/// after it are never read.
///
/// - Parameter words: what a new bulk string may hold.
func mutateReplies(
    _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maxSize: Int, seed: UInt32, words: [String]
) -> Int {
    var choices = withUnsafeBytes(of: seed) { Choices($0) }
    guard choices.next(2) == 0 else { return mutateBytes(data, size, maxSize) }
    var elements = cutElements(Array(UnsafeBufferPointer(start: data, count: size)))
    for _ in 0...choices.next(3) {
        let index = choices.next(elements.count + 1)
        switch choices.next(4) {
        case 0: elements.insert(element(&choices, words), at: index)
        case 1 where index < elements.count: elements.remove(at: index)
        case 2 where index < elements.count:
            elements.insert(elements[choices.next(elements.count)], at: index)
        default:
            if index < elements.count { elements[index] = element(&choices, words) }
        }
    }
    let changed = Array(elements.joined().prefix(maxSize))
    data.update(from: changed, count: changed.count)
    return changed.count
}

/// The elements one after the other. Of an array, only the head is an element. The malformed rest is one element.
private func cutElements(_ input: [UInt8]) -> [ArraySlice<UInt8>] {
    var elements: [ArraySlice<UInt8>] = []
    var rest = input[...]
    while !rest.isEmpty {
        var end = (rest.firstIndex(of: 10) ?? rest.endIndex - 1) + 1
        if rest.first == UInt8(ascii: "$") {
            let head = rest[(rest.startIndex + 1)..<end].prefix { $0 != 13 }
            let count = Int(String(decoding: head, as: UTF8.self)) ?? 0
            if 0..<rest.endIndex - end ~= count { end = min(end + count + 2, rest.endIndex) }
        }
        elements.append(rest[..<end])
        rest = rest[end...]
    }
    return elements
}

/// An element to insert, often one that means something at its place.
private func element(_ choices: inout Choices, _ words: [String]) -> ArraySlice<UInt8> {
    func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }
    let text =
        switch choices.next(8) {
        case 0, 1: bulk(words[choices.next(words.count)])
        case 2: bulk(String(repeating: "y", count: choices.next(60)))
        case 3: ":\([-1, 0, 1, 2, 3, 5_460, 5_461, 6_379, 16_383, 16_384][choices.next(10)])\r\n"
        case 4: ["$-1\r\n", "*-1\r\n"][choices.next(2)]
        case 5: ["+OK\r\n", "-ERR x\r\n"][choices.next(2)]
        default: "*\(choices.next(6))\r\n"
        }
    return Array(text.utf8)[...]
}
