import Foundation
import FoundationXML
import Testing

@testable import BenchmarkReport

@Suite("The report as HTML")
struct HTMLTests {
    /// What an independent parser finds in a page.
    final class Page: NSObject, XMLParserDelegate {
        var elements: [String: Int] = [:]
        var attributes: [(name: String, value: String)] = []
        var text = ""
        var failure: (any Error)?

        init(_ html: String) {
            super.init()
            let parser = XMLParser(data: Data(html.utf8))
            parser.delegate = self
            // The result of parse() does not report tags that do not match, and Foundation leaks the error that does.
            let isParsed = parser.parse()
            failure = parser.parserError ?? (isParsed ? nil : CocoaError(.fileReadCorruptFile))
        }

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            elements[name, default: 0] += 1
            self.attributes += attributes.map { ($0.key, $0.value) }
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

        func values(of attribute: String) -> [String] { attributes.filter { $0.name == attribute }.map(\.value) }
    }

    @Test("it is well-formed, with plots and tables of every kind of workload")
    func wellFormed() {
        let html = everyGroup().html
        let page = Page(html)
        #expect(page.failure == nil)
        #expect(html.hasPrefix("<!DOCTYPE html>\n"))
        #expect(page.elements["table"] == 3)
        // Two scales of cost, three workloads with latencies, and two pictures for each of six parameters.
        #expect(page.elements["svg"] == 2 + 3 + 12)
        #expect(page.elements["desc"] == page.elements["svg"])
        // Three rows of column names, and a row for each workload, for each with latencies, and for each with memory.
        #expect(page.elements["tr"] == 3 + 30 + 3 + 30)
        #expect(page.text.contains("Relay and Redis together take from"))
    }

    @Test("attributes are escaped, too, and elements without content are closed")
    func attributes() {
        var markup = Markup()
        markup.element("a", ["b": "\"<&>'"])
        markup.element("c", text: "d")
        #expect(markup.text == "<a b=\"&quot;&lt;&amp;&gt;&#39;\"/>\n<c>d</c>\n")
    }

    @Test("it needs nothing from elsewhere, and runs nothing")
    func selfContained() {
        let page = Page(everyGroup().html)
        for name in ["script", "link", "img", "iframe", "image", "use"] { #expect(page.elements[name] == nil) }
        for name in ["src", "href", "xlink:href", "onload", "onclick"] { #expect(page.values(of: name).isEmpty) }
        #expect(!everyGroup().html.contains("url(") && !everyGroup().html.contains("@import"))
    }

    @Test("ids are unique, and every plot names its title and its description")
    func ids() {
        let page = Page(everyGroup().html)
        let ids = page.values(of: "id")
        #expect(Set(ids).count == ids.count)
        let labels = page.values(of: "aria-labelledby")
        #expect(labels.count == 17)
        for label in labels.flatMap({ $0.split(separator: " ") }) { #expect(ids.contains(String(label))) }
    }

    @Test("coordinates are numbers, whatever the figures are")
    func coordinates() {
        let odd = [0, .nan, .infinity, 1e-12, 1e12].enumerated().flatMap { index, cost in
            let parameters = Parameters(subscribers: index + 1)
            return [
                run("fan \(index)", .fanOut, .relay, relay: cost, redis: cost, parameters: parameters),
                run("fan \(index)", .fanOut, .direct, redis: cost, parameters: parameters),
                run("late \(index)", .latency, .relay, relay: cost, redis: 1, latencies: latencies(cost)),
            ]
        }
        let page = Page(report(odd).html)
        #expect(page.failure == nil)
        for name in ["x", "y", "x1", "x2", "y1", "y2", "width", "height"] {
            for value in page.values(of: name) { #expect(Double(value)?.isFinite == true, "\(name)=\(value)") }
        }
        for points in page.values(of: "points") {
            for value in points.split(whereSeparator: { " ,".contains($0) }) {
                #expect(Double(value)?.isFinite == true, "\(points)")
            }
        }
    }

    @Test("names and the machine are text, never markup")
    func escapes() {
        let name = "<script>alert(\"1\")</script> & 'x'\u{1}"
        var hostile = report([
            run(name, .publish, .relay, relay: 1, redis: 1), run(name, .publish, .direct, redis: 1),
            run(name + "2", .latency, .relay, relay: 1, redis: 1, latencies: latencies(9)),
        ])
        hostile.machine.processor = name
        hostile.date = name
        let page = Page(hostile.html)
        #expect(page.failure == nil)
        #expect(page.elements["script"] == nil)
        #expect(page.text.contains("<script>alert(\"1\")</script> & 'x'\u{FFFD}"))
    }

    @Test("an empty report is a page that says so")
    func empty() {
        let page = Page(report([]).html)
        #expect(page.failure == nil)
        #expect(page.text.contains("Nothing was measured.") && page.elements["svg"] == nil)
    }

    @Test("errors stand above everything else")
    func warnings() {
        let counts = MessageCounts(published: 1, missing: 5)
        let page = Page(report([run(.relay, relay: 1, redis: 1, counts: counts)]).html)
        #expect(page.text.contains("Wrong: publish, through hubrelay: 5 missing"))
    }
}
