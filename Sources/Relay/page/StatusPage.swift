/// `/` of the HTTP server: one page that shows what `/health`, `/history` and `/connections` report, and requests them
/// again and again. It loads nothing from elsewhere, so it works without a network and without Redis.
///
/// No text from outside is a part of the page: names and reasons come as JSON, and the script inserts them as text.
enum StatusPage {
    /// - Parameter nonce: random, new for each response: no other script or style sheet runs in the page.
    static func html(nonce: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>hubrelay</title>
        <link rel="icon" href="data:,">
        <style nonce="\(nonce)">
        \(style)
        </style>
        </head>
        <body>
        \(content)
        <script nonce="\(nonce)">
        \(script)
        </script>
        </body>
        </html>

        """
    }

    /// Headers that limit the page: it may run its own script and styles, and send requests to its own relay.
    static func headers(nonce: String) -> [(name: String, value: String)] {
        let policy =
            "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; "
            + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return [
            ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ]
    }

    private static let content = #"""
        <header>
          <h1>hubrelay <small id="where"></small></h1>
          <p id="silence" role="alert" hidden></p>
        </header>
        <main>
          <noscript>This page needs JavaScript. <a href="/health">/health</a> says the same as JSON.</noscript>
          <section id="summary" aria-live="polite">
            <p><strong id="state" class="badge">...</strong> <span id="since"></span></p>
            <p id="reason"></p>
            <p id="advice"></p>
          </section>
          <section>
            <h2>Path</h2>
            <div id="path"></div>
            <p id="probe" class="note"></p>
          </section>
          <section>
            <h2>Outages and gaps</h2>
            <div id="strip"></div>
            <p class="note">
              <i class="key up"></i>up <i class="key degraded"></i>degraded <i class="key down"></i>down
              <i class="key unknown"></i>not known <i class="key gap"></i>gap: messages may have been missed
              <span id="totals"></span>
            </p>
          </section>
          <section>
            <h2>Last hour, per second</h2>
            <div id="plots"></div>
          </section>
          <section>
            <h2>Slowest clients</h2>
            <div id="clients"></div>
          </section>
          <section>
            <h2>Numbers</h2>
            <dl id="numbers"></dl>
          </section>
        </main>
        <footer><span id="version"></span> <a href="/health">/health</a> <a href="/metrics">/metrics</a></footer>
        """#
}
