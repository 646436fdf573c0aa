import Glibc
import Testing
import TextFormats

@Suite("The Prometheus text format")
struct PrometheusTextTests {
    /// A text with everything that the writer can write.
    func everything() -> String {
        var text = PrometheusText()
        text.metric(
            "test_messages_total", .counter, "Messages, \\ and \"quotes\" and\na second line.", UInt64.max)
        text.metric("test_uptime_seconds", .gauge, "A fraction.", 1.5e-7)
        text.family("test_state", .gauge, "1 for the state that is.")
        for state in ["up", "a\\b", "say \"hi\"", "two\nlines", "grün", ""] {
            text.sample("test_state", [("state", state), ("zone", "x")], UInt64(1))
        }
        text.family("test_extremes", .gauge, "What doubles have.")
        for (name, value) in [
            ("inf", Double.infinity), ("minus", -.infinity), ("nan", .nan),
            ("tiny", Double.leastNonzeroMagnitude),
        ] {
            text.sample("test_extremes", [("value", name)], value)
        }
        text.histogram(
            "test_round_trip_seconds", "Round trips.", buckets: [(0.001, 5), (0.01, 0), (0.1, 2)],
            overflow: 1,
            sum: 0.75)
        return text.text
    }

    @Test("promtool finds nothing to complain about")
    func promtool() {
        let (exitCode, output) = checkMetrics(everything())
        #expect(
            exitCode != 127,
            "promtool is not in PATH: install Debian's package prometheus, without its service")
        #expect(exitCode == 0, "promtool: \(output)")
    }

    @Test("and it does complain of a family that comes twice: it is the judge that we take it for")
    func promtoolRefuses() {
        let (exitCode, _) = checkMetrics(everything() + everything())
        #expect(exitCode != 0)
    }

    @Test("HELP and TYPE come once, before the samples, and labels are escaped")
    func family() {
        var text = PrometheusText()
        text.family("f", .gauge, "back\\slash\nline")
        text.sample("f", [("a", "1"), ("b", "q\"\\\n")], UInt64(7))
        text.sample("f", [("a", "2")], -0.5)
        #expect(
            text.text == """
                # HELP f back\\\\slash\\nline
                # TYPE f gauge
                f{a="1",b="q\\"\\\\\\n"} 7
                f{a="2"} -0.5

                """)
    }

    @Test("a histogram's buckets are cumulative and end with all")
    func histogram() {
        var text = PrometheusText()
        text.histogram("h", "x", buckets: [(0.5, 2), (1, 3)], overflow: 4, sum: 12.25)
        #expect(
            text.text == """
                # HELP h x
                # TYPE h histogram
                h_bucket{le="0.5"} 2
                h_bucket{le="1.0"} 5
                h_bucket{le="+Inf"} 9
                h_sum 12.25
                h_count 9

                """)
    }
}

/// Runs `promtool check metrics`. Returns its exit code, or 127 if there is no promtool, and its output.
private func checkMetrics(_ text: String) -> (exitCode: Int32, output: String) {
    var template = Array("/tmp/hubrelay-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
        close(file)
        unlink(path)
    }
    guard let pipe = popen("promtool check metrics >\(path) 2>&1", "w") else { return (127, "no shell") }
    fputs(text, pipe)
    let status = pclose(pipe)
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    let count = pread(file, &buffer, buffer.count, 0)
    return (status >> 8, String(decoding: buffer[..<max(0, count)], as: UTF8.self))
}
