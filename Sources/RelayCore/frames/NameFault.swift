/// What is wrong with a name in a request.
enum NameFault {
    case empty, tooLong, reserved, fenceLength, fenceOnCluster

    /// - Parameter what: what kind of name it is.
    func text(_ what: String) -> String {
        switch self {
        case .empty: "\(what) is empty"
        case .tooLong: "\(what) is over \(maxNameBytes) bytes"
        case .reserved: "\(what) begins with \(reservedNamePrefix), which is reserved"
        case .fenceLength: "a fence has 1 to \(maxFenceNameBytes) bytes after \(fenceNamePrefix)"
        case .fenceOnCluster: "there are no fences on a cluster, where messages have no common order"
        }
    }
}
