/// How cost and rate change with one parameter: two pictures for each group of workloads that differ in it.
struct ScalePlots {
    private let group: WorkloadGroup
    private let rows: [WorkloadFigures]
    /// The values of the other parameters, if the group has several lines.
    private let qualifier: String
    private let id: String

    /// If two workloads have the same value of the parameter, those that share the other parameters make a line. Lines
    /// with a single value are left out.
    static func plots(of workloads: [WorkloadFigures], _ group: WorkloadGroup) -> [ScalePlots] {
        let rows = workloads.filter { $0.group == group && ($0.varied ?? 0) > 0 }
        let isOneLine = Set(rows.compactMap(\.varied)).count == rows.count
        let qualifiers = isOneLine ? [""] : rows.map(\.qualifier).uniqued
        return qualifiers.enumerated().compactMap { index, qualifier in
            let line = rows.filter { isOneLine || $0.qualifier == qualifier }
            guard Set(line.compactMap(\.varied)).count > 1 else { return nil }
            return ScalePlots(
                group: group, rows: line.sorted { ($0.varied ?? 0) < ($1.varied ?? 0) }, qualifier: qualifier,
                id: "\(group.rawValue)-\(index + 1)")
        }
    }

    /// Cost per message, and messages per second. A picture for which nothing is known is left out.
    var pictures: [Picture] {
        let unit = group.countsConnections ? "connection" : "message"
        let rate = rows.first?.rateUnit.rawValue ?? ""
        return [
            picture(
                "cost", name: "processor time per \(unit)", unit: "us", figures: [\.totalCPU, \.directCPU]),
            picture("rate", name: "\(rate) per second", unit: rate + "/s", figures: [\.relayRate, \.directRate]),
        ].compactMap { $0 }
    }

    /// - Parameter figures: the figure through the relay, and the direct one.
    private func picture(
        _ kind: String, name: String, unit: String, figures: [KeyPath<WorkloadFigures, Spread?>]
    ) -> Picture? {
        let lines = zip([Ink.relay, .direct], figures).map { ink, figure in
            (ink, rows.compactMap { row in row[keyPath: figure].map { (x: Double(row.varied ?? 0), y: $0) } })
        }.filter { !$0.1.isEmpty }
        let most = lines.flatMap(\.1).map(\.y.max).max() ?? 0
        guard most > 0 else { return nil }
        let places = rows.map { Double($0.varied ?? 0) }
        var panel = Panel(
            id: "\(id)-\(kind)", title: name.capitalizedFirst + qualifier,
            description: description(lines, unit: unit),
            x: .logarithmic(at: places, from: Panel.left, length: Panel.innerWidth, label: group.axisLabel),
            y: yAxis(lines.flatMap(\.1).flatMap { [$0.y.min, $0.y.max] }),
            xName: group.axisName, yName: unit, inks: lines.map(\.0))
        for (ink, points) in lines {
            panel.draw(points, ink) { x, y in
                "\(group.axisLabel(x)): \(brief(y.median)) \(unit) (\(brief(y.min)) to \(brief(y.max)))"
            }
        }
        return panel.picture
    }

    /// A logarithmic axis if the figures lie far apart.
    private func yAxis(_ values: [Double]) -> Axis {
        let most = values.max() ?? 1
        let least = values.filter { $0 > 0 }.min() ?? most
        return most > 15 * least
            ? .logarithmic(around: values, from: Panel.bottom, length: -Panel.innerHeight, label: axisCount)
            : .linear(to: most, from: Panel.bottom, length: -Panel.innerHeight, label: axisCount)
    }

    private func description(_ lines: [(Ink, [(x: Double, y: Spread)])], unit: String) -> String {
        let texts = lines.map { ink, points in
            let figures = points.map { "\(group.axisLabel($0.x)): \(brief($0.y.median)) \(unit)" }
            return (ink == .relay ? "Through hubrelay: " : "Direct: ") + figures.joined(separator: ", ")
        }
        return "Against \(group.axisName). " + texts.joined(separator: ". ") + "."
    }
}

extension WorkloadFigures {
    /// The parameter in which the workloads of the group differ.
    var varied: Int? {
        switch group {
        case .fanOut, .subscribers: parameters.subscribers
        case .connections, .shortConnections: parameters.connections
        case .channels: parameters.channels
        case .payloads: parameters.payloadBytes
        case .publish, .latency, .idleConnections, .subscriptions: nil
        }
    }
}

extension WorkloadFigures {
    /// The parameters that distinguish the lines of one group, to be put after a title.
    fileprivate var qualifier: String {
        let window = parameters.window.map { ", window \(whole($0))" } ?? ""
        if group == .fanOut || group == .subscribers { return window }
        switch parameters.subscribers ?? 0 {
        case 0: return ", no subscribers" + window
        case 1: return ", 1 subscriber" + window
        case let count: return ", \(whole(count)) subscribers" + window
        }
    }
}

extension WorkloadGroup {
    /// The name of the axis, with the unit.
    fileprivate var axisName: String {
        switch self {
        case .payloads: "size of a message"
        case .fanOut, .subscribers: "subscribers of each message"
        case .shortConnections: "connections open at a time"
        default: "number of \(rawValue)"
        }
    }

    fileprivate func axisLabel(_ value: Double) -> String {
        self == .payloads ? axisBytes(value) : axisCount(value)
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

extension Array where Element: Hashable {
    /// Each element once, in the order of first appearance.
    fileprivate var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
