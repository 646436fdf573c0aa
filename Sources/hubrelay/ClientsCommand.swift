internal import ArgumentParser
internal import Configuration
internal import Posix
internal import RelayCore

/// `hubrelay clients`: the app connections of a relay, as a table or as JSON.
struct ClientsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clients", abstract: "List the clients of a relay.",
        discussion:
            "Asks the relay twice, a second apart, for the rates of that second. PUB/S and DELIV/S are publishes and "
            + "deliveries per second, UNREAD is output that the client has not read yet, and LOST counts messages that "
            + "it did not get. 'hubrelay top' shows the same, live.")

    @OptionGroup var options: ListingOptions
    @Option(help: .order(ClientOrder.self)) var sort = "id"
    @Flag(help: "Print JSON, one object per line.") var json = false

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = try options.settings()
            let order = ListingOrder(try listingOrder(sort) as ClientOrder)
            func rows() throws(CommandFailure) -> [Row] {
                try settings.client.rows("/connections", items: "clients", by: order, limit: settings.limit)
            }
            let first = try rows()
            // A client's rate is an average since it was last listed, so in the first answer it may cover a long time.
            if !first.isEmpty { Clock.sleep(nanoseconds: 1_000_000_000) }
            try StandardStreams.write(first.isEmpty ? [] : try rows(), as: .clients, json: json)
        }
    }
}

/// `hubrelay channels`: the channels and patterns that the clients of a relay hold.
struct ChannelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channels", abstract: "List the channels and patterns that the clients of a relay hold.")

    @OptionGroup var options: ListingOptions
    @Option(help: .order(ChannelOrder.self)) var sort = "name"
    @Flag(help: "Print JSON, one object per line.") var json = false

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = try options.settings()
            let order = ListingOrder(try listingOrder(sort) as ChannelOrder)
            let rows = try settings.client.rows("/channels", items: "channels", by: order, limit: settings.limit)
            try StandardStreams.write(rows, as: .channels, json: json)
        }
    }
}

extension StandardStreams {
    /// Writes rows to stdout.
    static func write(_ rows: [Row], as table: Table, json: Bool) throws(CommandFailure) {
        for line in json ? rows.map(\.jsonLine) : table.lines(rows) { try writeOutput(line) }
    }
}
