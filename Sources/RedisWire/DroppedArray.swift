/// Follows an array to its end, and keeps nothing of it.
struct DroppedArray {
    /// How many values each incomplete array still lacks, the outermost first.
    private var missing: [Int] = []
    private var count = 0

    /// How deep the arrays are nested now.
    var depth: Int { missing.count }

    /// Begins an array of `elements` elements, at least one.
    mutating func open(_ elements: Int) {
        count += 1
        missing.append(elements)
    }

    /// Counts a value that has come. It may be the last one of its array, and so complete the array around that, and so
    /// on.
    /// - Returns: false if there were more than `maxValues` values.
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
