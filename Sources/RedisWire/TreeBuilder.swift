internal import RESP
/// Builds one ``RedisValue`` from the elements of an array in the order in which they come. A count that the server has
/// only announced never causes an allocation.
struct TreeBuilder {
    /// The arrays that are not complete, the outermost first.
    private var open: [(values: [RedisValue], missing: Int)] = []
    /// Values of the reply so far, the arrays themselves included.
    private var count = 0

    /// How deep the arrays are nested now.
    var depth: Int { open.count }

    /// Begins an array of `elements` elements, at least one: the root, or the next element of the innermost.
    mutating func openArray(elements: Int) {
        count += 1
        open.append(([], elements))
    }

    /// Adds the next element to the innermost array. Returns whether the reply may go on: false if it has more than
    /// `maxValues` values. `root` becomes the whole tree if this element was its last.
    mutating func append(_ value: RedisValue, maxValues: Int, root: inout RedisValue?) -> Bool {
        count += 1
        guard count <= maxValues else { return false }
        var value = value
        while let top = open.indices.last {
            open[top].values.append(value)
            open[top].missing -= 1
            guard open[top].missing == 0 else { return true }
            value = .array(open.removeLast().values)
        }
        root = value
        count = 0
        return true
    }
}
