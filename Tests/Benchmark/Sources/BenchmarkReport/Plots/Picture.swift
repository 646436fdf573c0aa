/// Colours that people with any colour vision can distinguish (Okabe and Ito, "Color Universal Design", 2008). The
/// style sheet uses their classes to make them lighter on a dark page.
enum Ink: String {
    case relay
    case redis
    case direct

    var hex: String {
        switch self {
        case .relay: "#0072B2"
        case .redis: "#E69F00"
        case .direct: "#009E73"
        }
    }

    init(_ target: Target) { self = target == .relay ? .relay : .direct }
}

/// One plot as SVG. It can also be read without the style sheet, on white.
struct Picture {
    static let fontSize = 12.0

    private var markup = Markup()
    private let width: Double
    private let height: Double
    private let title: String
    private let description: String
    /// Unique in the page.
    private let id: String

    init(id: String, width: Double, height: Double, title: String, description: String) {
        self.id = id
        self.width = width
        self.height = height
        self.title = title
        self.description = description
    }

    /// The element `svg`, with title and description for readers who do not see it.
    func write(to page: inout Markup) {
        page.element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(number(width)) \(number(height))",
                "width": number(width), "height": number(height), "role": "img",
                "class": width > 600 ? "wide" : "narrow",
                "aria-labelledby": "\(id)-title \(id)-text", "font-family": "sans-serif",
                "font-size": number(Self.fontSize),
            ]
        ) { page in
            page.element("title", ["id": "\(id)-title"], text: title)
            page.element("desc", ["id": "\(id)-text"], text: description)
            page.write(markup)
        }
    }

    enum Anchor: String {
        case start
        case middle
        case end
    }

    mutating func text(_ content: String, x: Double, y: Double, anchor: Anchor = .start, bold: Bool = false) {
        markup.element(
            "text",
            [
                "x": number(x), "y": number(y), "text-anchor": anchor.rawValue, "class": "ink", "fill": "#222222",
                "font-weight": bold ? "bold" : "normal",
            ], text: content)
    }

    mutating func gridLine(x1: Double, y1: Double, x2: Double, y2: Double) {
        markup.element(
            "line",
            [
                "x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2), "class": "grid",
                "stroke": "#d0d0d0", "stroke-width": "1",
            ])
    }

    /// - Parameter hint: what the bar stands for, shown under the pointer.
    mutating func bar(x: Double, y: Double, width: Double, height: Double, _ ink: Ink, hint: String) {
        markup.element(
            "rect",
            [
                "x": number(x), "y": number(y), "width": number(max(width, 0.5)), "height": number(height),
                "class": "fill-\(ink.rawValue)", "fill": ink.hex,
            ]
        ) { $0.element("title", text: hint) }
    }

    /// - Parameter faint: whether the curve is one of several of a kind, behind the curve that matters.
    mutating func curve(_ points: [(x: Double, y: Double)], _ ink: Ink, faint: Bool = false) {
        markup.element(
            "polyline",
            [
                "points": points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " "), "fill": "none",
                "class": "line-\(ink.rawValue)", "stroke": ink.hex, "stroke-width": faint ? "1" : "2",
                "stroke-opacity": faint ? "0.4" : "1", "stroke-linejoin": "round",
                // The lines differ not only by colour.
                "stroke-dasharray": ink == .direct ? "6 3" : "none",
            ])
    }

    /// A disc for the relay, a square for anything else.
    mutating func mark(x: Double, y: Double, _ ink: Ink, hint: String) {
        let isDisc = ink == .relay
        // If both are in one place, the disc is visible around the square.
        let size = isDisc ? 11.0 : 6.0
        markup.element(
            "rect",
            [
                "x": number(x - size / 2), "y": number(y - size / 2), "width": number(size), "height": number(size),
                "rx": isDisc ? number(size / 2) : "0",
                "class": "fill-\(ink.rawValue)", "fill": ink.hex,
            ]
        ) { $0.element("title", text: hint) }
    }

    /// A line from the least to the greatest measured value.
    mutating func whisker(x: Double, y1: Double, y2: Double, _ ink: Ink) {
        markup.element(
            "line",
            [
                "x1": number(x), "y1": number(y1), "x2": number(x), "y2": number(y2),
                "class": "line-\(ink.rawValue)", "stroke": ink.hex, "stroke-width": "1.5",
            ])
    }

    private func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}

/// The approximate width of a text in a picture.
func textWidth(_ text: String) -> Double { Double(text.count) * Picture.fontSize * 0.62 }

/// The text, shortened to at most `count` characters.
func shortened(_ text: String, to count: Int) -> String {
    text.count <= count ? text : text.prefix(count - 1) + "…"
}
