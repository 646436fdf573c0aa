internal import ArgumentParser
internal import Configuration
internal import Posix

/// The options of every command that shows single clients and channels, as a relay's HTTP side lists them.
struct ListingOptions: ParsableArguments {
    @Option(name: .of(.http), help: .of(.http)) var http: String?
    @Option(name: .of(.timeout), help: .of(.timeout)) var timeout: String?
    @Option(name: .of(.limit), help: .ofOneCall(.limit)) var limit: String?

    struct Settings {
        var client: ListingClient
        var limit: Int
        /// Nanoseconds.
        var interval: UInt64
    }

    func settings(interval: String? = nil) throws(CommandFailure) -> Settings {
        try configured { () throws(ConfigurationError) in
            let settings = ClientSettings(
                flags: [(.http, http), (.timeout, timeout), (.limit, limit), (.interval, interval)],
                environment: environmentVariable)
            return Settings(
                client: ListingClient(listen: try settings.http(), timeout: try settings.timeout()),
                limit: try settings.limit(), interval: try settings.interval())
        }
    }
}

/// The order in which rows are wanted, by its name.
/// - Throws: `CommandFailure` with the names that are allowed.
func listingOrder<Order: RawRepresentable & CaseIterable>(
    _ text: String
) throws(CommandFailure) -> Order where Order.RawValue == String {
    if let order = Order(rawValue: text) { return order }
    let allowed = Order.allCases.map(\.rawValue).joined(separator: ", ")
    throw .usage("--sort: \(quoted(text)) is not allowed; allowed: \(allowed)")
}

extension ArgumentHelp {
    /// The help of an order of rows.
    static func order<Order: RawRepresentable & CaseIterable>(_: Order.Type) -> ArgumentHelp
    where Order.RawValue == String {
        let allowed = Order.allCases.map(\.rawValue).joined(separator: ", ")
        return ArgumentHelp("The order of the rows. Allowed: \(allowed).", valueName: "ORDER")
    }

    /// The help of a setting that is for one call only, and so is not read from the environment.
    static func ofOneCall(_ setting: Setting) -> ArgumentHelp {
        let fallback = setting.defaultText.map { " [default \($0)]" } ?? ""
        return ArgumentHelp(
            "\(setting.purpose) Allowed: \(setting.allowed).\(fallback)", valueName: setting.placeholder)
    }
}
