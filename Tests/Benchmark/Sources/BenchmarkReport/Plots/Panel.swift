/// The frame of a plot of lines: title, legend, axes with their names, and the room inside.
struct Panel {
    static let width = 440.0
    static let height = 300.0
    static let left = 62.0
    static let top = 52.0
    static let innerWidth = 350.0
    static let innerHeight = 190.0

    private(set) var picture: Picture
    let x: Axis
    let y: Axis

    /// - Parameters:
    ///   - y: made with `Panel.bottom` and the negative of `innerHeight`, as SVG counts downwards.
    ///   - xName: what the axis shows, with its unit.
    init(id: String, title: String, description: String, x: Axis, y: Axis, xName: String, yName: String, inks: [Ink]) {
        picture = Picture(
            id: id, width: Self.width, height: Self.height, title: title, description: description)
        self.x = x
        self.y = y
        drawFrame(title: title, xName: xName, yName: yName)
        drawLegend(inks)
    }

    static var bottom: Double { top + innerHeight }

    /// A line through all points, with a mark and the spread at each.
    mutating func draw(_ series: [(x: Double, y: Spread)], _ ink: Ink, hint: (Double, Spread) -> String) {
        picture.curve(series.map { (x.place($0.x), y.place($0.y.median)) }, ink)
        for point in series {
            let place = x.place(point.x)
            picture.whisker(x: place, y1: y.place(point.y.min), y2: y.place(point.y.max), ink)
            picture.mark(x: place, y: y.place(point.y.median), ink, hint: hint(point.x, point.y))
        }
    }

    mutating func drawCurve(_ points: [(x: Double, y: Double)], _ ink: Ink, faint: Bool) {
        picture.curve(points.map { (x.place($0.x), y.place($0.y)) }, ink, faint: faint)
    }

    private mutating func drawFrame(title: String, xName: String, yName: String) {
        let right = Self.left + Self.innerWidth
        picture.text(shortened(title, to: 62), x: 4, y: 14, bold: true)
        picture.text(yName, x: 4, y: Self.top - 18)
        for tick in y.ticks {
            let place = y.place(tick.value)
            picture.gridLine(x1: Self.left, y1: place, x2: right, y2: place)
            picture.text(tick.label, x: Self.left - 8, y: place + 4, anchor: .end)
        }
        for tick in x.ticks {
            let place = x.place(tick.value)
            picture.gridLine(x1: place, y1: Self.top, x2: place, y2: Self.bottom + 4)
            picture.text(tick.label, x: place, y: Self.bottom + 18, anchor: .middle)
        }
        picture.text(xName, x: Self.left + Self.innerWidth / 2, y: Self.bottom + 38, anchor: .middle)
    }

    private mutating func drawLegend(_ inks: [Ink]) {
        var place = Self.left + Self.innerWidth
        for ink in inks.reversed() {
            let name = ink == .direct ? "direct" : "through hubrelay"
            place -= textWidth(name)
            picture.text(name, x: place, y: Self.top - 18)
            picture.curve([(place - 30, Self.top - 22), (place - 6, Self.top - 22)], ink)
            place -= 44
        }
    }
}
