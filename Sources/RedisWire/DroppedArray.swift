/// Follows an array of which nothing is kept to its end.
struct DroppedArray {
    /// How many values each array still lacks that is not complete, the outermost first.
    private var missing: [Int] = []
    private var count = 0

    /// How deep the arrays are nested now.
    var depth: Int { missing.count }

    /// Begins an array of `elements` elements, at least one.
    mutating func open(_ elements: Int) {
        count += 1
        missing.append(elements)
    }

    /// One value has come, and with it perhaps the last one of an array, of the one around it, and so on.
    /// - Returns: false when there were more than `maxValues` values.
    mutating func dropValue(maxValues: Int) -> Bool {
        count += 1
        while let last = missing.indices.last {
            missing[last] -= 1
            guard missing[last] == 0 else { break }
            missing.removeLast()
        }
        return count <= maxValues
    }
}
