/// Processor time per message: the relay's stacked on that of Redis, and below it that of Redis without a relay.
enum CostBars {
    private static let rowHeight = 44.0
    private static let barHeight = 14.0
    private static let width = 900.0
    private static let top = 30.0

    /// One picture for each scale, from the small figures to the large ones. In one picture, no bar is more than eight
    /// times as long as another, so that all bars can be read.
    static func pictures(of workloads: [WorkloadFigures]) -> [Picture] {
        let shown = workloads.filter { row in
            [.publish, .fanOut, .latency, .subscriptions].contains(row.group) && length(row) > 0
        }
        let scales = scales(shown)
        let left = min(260, (shown.map { textWidth(shortened($0.name, to: 36)) }.max() ?? 0) + 16)
        return scales.enumerated().map { index, rows in
            let part = scales.count > 1 ? (index + 1, scales.count) : nil
            return picture(rows, id: "cost-\(index + 1)", part: part, left: left)
        }
    }

    /// The workloads split by length. Each part keeps their order.
    static func scales(_ workloads: [WorkloadFigures]) -> [[WorkloadFigures]] {
        var limits: [Double] = []
        for length in workloads.map(length).sorted(by: >) where limits.last.map({ length < $0 / 8 }) ?? true {
            limits.append(length)
        }
        var rest = workloads
        return limits.reversed().map { limit in
            defer { rest.removeAll { length($0) <= limit } }
            return rest.filter { length($0) <= limit }
        }
    }

    private static func length(_ row: WorkloadFigures) -> Double {
        max(row.totalCPU?.median ?? 0, row.directCPU?.median ?? 0)
    }

    private static func picture(_ rows: [WorkloadFigures], id: String, part: (Int, Int)?, left: Double) -> Picture {
        let most = rows.map(length).max() ?? 1
        let axis = Axis.linear(to: most, from: left, length: width - left - 150, label: axisCount)
        let bottom = top + Double(rows.count) * rowHeight
        let suffix = part.map { ", scale \($0.0) of \($0.1)" } ?? ""
        let costs = rows.map { "\($0.name): relay and Redis \(parts($0)), direct \(brief($0.directCPU?.median))" }
        var picture = Picture(
            id: id, width: width, height: bottom + 46, title: "Processor time per message" + suffix,
            description: "In microseconds. " + costs.joined(separator: "; ") + ".")
        drawLegend(on: &picture, left: left)
        for tick in axis.ticks {
            let place = axis.place(tick.value)
            picture.gridLine(x1: place, y1: top, x2: place, y2: bottom + 4)
            picture.text(tick.label, x: place, y: bottom + 18, anchor: .middle)
        }
        picture.text(
            "processor time per message, us" + suffix, x: left + (width - left - 150) / 2, y: bottom + 38,
            anchor: .middle)
        for (index, row) in rows.enumerated() {
            draw(row, on: &picture, axis, y: top + Double(index) * rowHeight + 6, left: left)
        }
        return picture
    }

    private static func drawLegend(on picture: inout Picture, left: Double) {
        var place = left
        for (ink, name) in [(Ink.relay, "relay"), (.redis, "Redis behind the relay"), (.direct, "Redis, direct")] {
            picture.bar(x: place, y: 6, width: 12, height: 12, ink, hint: name)
            picture.text(name, x: place + 18, y: 16)
            place += textWidth(name) + 48
        }
    }

    private static func draw(
        _ row: WorkloadFigures, on picture: inout Picture, _ axis: Axis, y: Double, left: Double
    ) {
        picture.text(shortened(row.name, to: 36), x: left - 10, y: y + barHeight + 5, anchor: .end)
        var end = left
        if let relay = row.relayCPU, let redis = row.redisCPU, row.totalCPU != nil {
            let middle = axis.place(relay.median)
            end = axis.place(relay.median + redis.median)
            picture.bar(
                x: left, y: y, width: middle - left, height: barHeight, .relay,
                hint: "\(row.name), relay: \(brief(relay.median)) us")
            picture.bar(
                x: middle, y: y, width: end - middle, height: barHeight, .redis,
                hint: "\(row.name), Redis behind the relay: \(brief(redis.median)) us")
        }
        picture.text(parts(row), x: end + 6, y: y + 11)
        let second = y + barHeight + 2
        end = left
        if let direct = row.directCPU {
            end = axis.place(direct.median)
            picture.bar(
                x: left, y: second, width: end - left, height: barHeight, .direct,
                hint: "\(row.name), Redis, direct: \(brief(direct.median)) us")
        }
        picture.text(row.directCPU.map { brief($0.median) } ?? "not known", x: end + 6, y: second + 11)
    }

    /// The figure of the relay, and that of Redis behind the relay.
    private static func parts(_ row: WorkloadFigures) -> String {
        guard let relay = row.relayCPU, let redis = row.redisCPU, row.totalCPU != nil else { return "not known" }
        return "\(brief(relay.median)) + \(brief(redis.median))"
    }
}
