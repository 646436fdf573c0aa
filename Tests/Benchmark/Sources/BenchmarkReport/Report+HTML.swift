extension Report {
    /// One page of HTML that needs no other file and no script: where and when the benchmark ran, what the figures say,
    /// the tables, and plots as SVG. Except for its first line, it is also XML.
    package var html: String {
        var page = Markup()
        page.element("html", ["lang": "en"]) { page in
            page.element("head") { page in
                page.element("meta", ["charset": "utf-8"])
                page.element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                page.element("meta", ["name": "color-scheme", "content": "light dark"])
                page.element("title", text: "hubrelay benchmark, \(date)")
                page.style(styleSheet)
            }
            page.element("body") { page in
                page.element("h1", text: "hubrelay benchmark")
                writeHeader(to: &page)
                writeSummary(to: &page)
                for plots in plots where !plots.pictures.isEmpty { plots.write(to: &page) }
                page.element("h2", text: "Figures")
                for table in tables { table.write(to: &page) }
            }
        }
        return "<!DOCTYPE html>\n" + page.text
    }

    private func writeHeader(to page: inout Markup) {
        page.element("dl") { page in
            for (name, value) in header {
                page.element("dt", text: name)
                page.element("dd", text: value)
            }
        }
    }

    private func writeSummary(to page: inout Markup) {
        if measurements.isEmpty { page.element("p", text: "Nothing was measured.") }
        for warning in warnings { page.element("p", ["class": "wrong"], text: "Wrong: " + warning) }
        if summary.isEmpty { return }
        page.element("ul") { page in
            for sentence in summary { page.element("li", text: sentence) }
        }
    }

    private var plots: [PlotSection] {
        let workloads = workloads
        let scales: [(WorkloadGroup, String)] = [
            (.fanOut, "Fan-out"), (.subscribers, "Many subscribers"), (.connections, "Many connections"),
            (.channels, "Many channels"), (.payloads, "Sizes of messages"),
            (.shortConnections, "Short connections"),
        ]
        return [
            PlotSection(
                title: "What a message costs",
                note: "Processor time of the relay and of Redis behind it, and of Redis that is talked to directly.",
                pictures: CostBars.pictures(of: workloads)),
            PlotSection(
                title: "Latency",
                note: "A thick line is the round in the middle, thin ones are the others. Both axes are logarithmic.",
                pictures: LatencyCurves.pictures(of: workloads)),
        ]
            + scales.map { group, title in
                PlotSection(
                    title: title,
                    note: "Medians of the rounds; a vertical line goes from the least to the most. "
                        + "Processor time is that of relay and Redis, or of Redis alone.",
                    pictures: ScalePlots.plots(of: workloads, group).flatMap(\.pictures))
            }
    }
}

/// Plots that belong together.
private struct PlotSection {
    let title: String
    let note: String
    let pictures: [Picture]

    func write(to page: inout Markup) {
        page.element("h2", text: title)
        page.element("figure") { page in
            page.element("div", ["class": "plots"]) { page in
                for picture in pictures { picture.write(to: &page) }
            }
            page.element("figcaption", text: note)
        }
    }
}

extension FigureTable {
    fileprivate func write(to page: inout Markup) {
        page.element("div", ["class": "table"]) { page in
            page.element("table") { page in
                page.element("caption", text: title)
                page.element("thead") { page in
                    page.element("tr") { page in
                        for column in columns {
                            page.element("th", ["scope": "col", "class": className(column)], text: column.name)
                        }
                    }
                }
                page.element("tbody") { page in
                    for row in rows { write(row, to: &page) }
                }
            }
        }
        page.element("ul", ["class": "notes"]) { page in
            for note in notes { page.element("li", text: note) }
        }
    }

    /// The first cell names the row.
    private func write(_ row: [String], to page: inout Markup) {
        page.element("tr") { page in
            page.element("th", ["scope": "row"], text: row[0])
            for (column, cell) in zip(columns, row).dropFirst() {
                page.element("td", ["class": className(column)], text: cell)
            }
        }
    }

    private func className(_ column: Column) -> String { column.isText ? "text" : "number" }
}

private let styleSheet = """
    :root { --paper: #ffffff; --ink: #222222; --grid: #d0d0d0; --pale: #5a5a5a; --stripe: #f4f6f8; --wrong: #a8201a;
      --relay: #0072b2; --redis: #e69f00; --direct: #009e73; }
    @media screen and (prefers-color-scheme: dark) { :root { --paper: #16191d; --ink: #e4e6e8; --grid: #3a4048;
      --pale: #a8aeb6; --stripe: #1e2329; --wrong: #ff8a80; --relay: #56b4e9; --redis: #f0b942; --direct: #35c99c; } }
    body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; max-width: 66rem;
      margin: 0 auto; padding: 1.5rem; }
    h1 { font-size: 1.7rem; margin: 0 0 1rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
    dt { color: var(--pale); } dd { margin: 0; }
    .wrong { color: var(--wrong); font-weight: bold; }
    figure { margin: 0; } figcaption, .notes { color: var(--pale); font-size: .875em; }
    .plots { display: flex; flex-wrap: wrap; gap: 1rem; } svg { max-width: 100%; height: auto; }
    .table { overflow-x: auto; } table { border-collapse: collapse; font-size: .8125rem; white-space: nowrap; }
    caption { text-align: left; font-weight: bold; padding: .8rem 0 .4rem; }
    thead th { white-space: normal; vertical-align: bottom; }
    th, td { padding: .2rem .5rem; border-bottom: 1px solid var(--grid); text-align: left; }
    th[scope=row] { font-weight: normal; } tbody tr:nth-child(odd) { background: var(--stripe); }
    .number { text-align: right; font-variant-numeric: tabular-nums; }
    svg .ink { fill: var(--ink); stroke: var(--paper); stroke-width: 3px; paint-order: stroke; }
    svg .grid { stroke: var(--grid); }
    .fill-relay { fill: var(--relay); } .fill-redis { fill: var(--redis); } .fill-direct { fill: var(--direct); }
    .line-relay { stroke: var(--relay); } .line-direct { stroke: var(--direct); }
    @media print { .plots { gap: .2rem; } svg.narrow { max-width: 49%; } figcaption { break-before: avoid; }
      body { max-width: none; padding: 0; font-size: 11px; } svg, tr { break-inside: avoid; }
      h2, caption { break-after: avoid; } .table { overflow: visible; } table { font-size: 8px; } }
    """
