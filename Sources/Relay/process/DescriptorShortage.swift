/// The limit on open descriptors is too small for the relay to work.
struct DescriptorShortage: Error, CustomStringConvertible {
    let limit: Int
    let least: Int

    var description: String {
        "the limit on open descriptors is \(limit), and this relay needs at least \(least) to serve one connection, and one "
            + "more for each further one; raise it: ulimit -n in a shell, LimitNOFILE= in a unit, --ulimit nofile= of a "
            + "container"
    }
}
