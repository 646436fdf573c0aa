internal import ArgumentParser
internal import RelayCore

/// `hubrelay fleet`: the relays with the same prefix that a relay hears.
struct FleetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet", abstract: "List the relays with the same prefix that a relay hears.",
        discussion:
            "Each relay announces itself to the others with its prefix, every 30 s, or less often if there are many. "
            + "If a relay is UP and announces itself, but is not listed here after a few minutes, its apps and those "
            + "of the listed relays do not hear each other. 'silent': its last three announcements did not arrive."
    )

    @OptionGroup var options: ListingOptions
    @Option(help: .order(FleetOrder.self)) var sort = "host"
    @Flag(help: "Print JSON, one object per line.") var json = false

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = try options.settings()
            let order = ListingOrder(try listingOrder(sort) as FleetOrder)
            let rows = try settings.client.rows("/fleet", items: "fleet", by: order, limit: settings.limit)
            try StandardStreams.write(rows, as: .fleet, json: json)
        }
    }
}
