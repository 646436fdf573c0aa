extension StatusPage {
    /// Colours are in variables, for light and dark. The colours of states also differ in brightness, and each has a
    /// word beside it.
    static let style = #"""
        :root {
          --back: #fbfbfa; --card: #ffffff; --text: #1c2326; --soft: #5b676d; --line: #d9dedf;
          --up: #1f8a4c; --degraded: #c98a00; --down: #c5303a; --stopping: #6b5bb5; --unknown: #d3d8da; --plot: #2b6cb0;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --back: #14181a; --card: #1d2326; --text: #e6eaeb; --soft: #9aa7ad; --line: #343d41;
            --up: #46c17c; --degraded: #e0b13c; --down: #f0676f; --stopping: #a99cf0; --unknown: #3b4448; --plot: #74b3f0;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 68rem; padding: 1rem; background: var(--back); color: var(--text);
          font: 15px/1.45 system-ui, sans-serif; }
        h1 { font-size: 1.25rem; margin: 0 0 .75rem; }
        h1 small { color: var(--soft); font-weight: normal; font-size: .9rem; overflow-wrap: anywhere; }
        h2 { font-size: .95rem; margin: 0 0 .5rem; }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem;
          margin: 0 0 .8rem; }
        p { margin: .2rem 0; overflow-wrap: anywhere; }
        .note, footer { color: var(--soft); font-size: .85rem; }
        footer { margin: 1rem 0; }
        a { color: var(--plot); }
        .badge { display: inline-block; color: var(--card); background: var(--unknown); border-radius: 6px;
          padding: .1rem .7rem; font-size: 1.1rem; letter-spacing: .04em; }
        .badge.up { background: var(--up); } .badge.degraded { background: var(--degraded); }
        .badge.down { background: var(--down); } .badge.stopping { background: var(--stopping); }
        #silence { background: var(--down); color: var(--card); border-radius: 8px; padding: .5rem 1rem; margin: 0 0 .8rem; }
        #advice { color: var(--soft); }
        svg { display: block; width: 100%; height: auto; }
        svg text { fill: var(--text); font: 13px system-ui, sans-serif; }
        svg text.soft { fill: var(--soft); }
        .box { fill: var(--back); stroke: var(--line); }
        .wire { stroke-width: 3; fill: none; stroke: var(--down); stroke-dasharray: 3 6; }
        .wire.up { stroke: var(--up); stroke-dasharray: none; }
        rect.up { fill: var(--up); } rect.degraded { fill: var(--degraded); } rect.down { fill: var(--down); }
        rect.stopping { fill: var(--stopping); } rect.unknown { fill: var(--unknown); }
        .gapmark { fill: var(--text); }
        .key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .25em 0 .8em; }
        .key.up { background: var(--up); margin-left: 0; } .key.degraded { background: var(--degraded); }
        .key.down { background: var(--down); } .key.unknown { background: var(--unknown); }
        .key.gap { background: var(--text); width: .25em; }
        #plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .8rem; }
        .plot { stroke: var(--plot); stroke-width: 1.5; fill: none; vector-effect: non-scaling-stroke; }
        .axis { stroke: var(--line); vector-effect: non-scaling-stroke; }
        figure { margin: 0; } figcaption { font-size: .85rem; color: var(--soft); }
        figcaption b { color: var(--text); }
        #clients, #path, #strip { overflow-x: auto; }
        #path svg, #strip svg { min-width: 36rem; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
        th, td { text-align: right; padding: .2rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th { color: var(--soft); font-weight: normal; }
        td.name, th.name { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9rem; }
        tr.slow td { color: var(--down); }
        dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .3rem 1rem; margin: 0; }
        dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-variant-numeric: tabular-nums; }
        """#
}
