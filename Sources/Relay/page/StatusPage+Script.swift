extension StatusPage {
    /// The script. It inserts text from the relay as text, never as markup.
    static let script = #"""
        'use strict';
        const MINUTES = [10, 60, 360], LOOK = 2000, HISTORY = 15000;
        const byId = (id) => document.getElementById(id);
        const SVG = 'http://www.w3.org/2000/svg';

        function svg(name, attributes, text) {
          const element = document.createElementNS(SVG, name);
          for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
          if (text !== undefined) element.textContent = text;
          return element;
        }
        function html(name, className, text) {
          const element = document.createElement(name);
          if (className) element.className = className;
          if (text !== undefined) element.textContent = text;
          return element;
        }
        const titled = (element, title) => { element.append(svg('title', {}, title)); return element; };

        function duration(seconds) {
          const two = (number) => String(number).padStart(2, '0');
          seconds = Math.max(0, Math.floor(seconds));
          if (seconds < 60) return seconds + ' s';
          if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
          if (seconds < 86400) return Math.floor(seconds / 3600) + ' h ' + two(Math.floor(seconds / 60) % 60) + ' min';
          return Math.floor(seconds / 86400) + ' d ' + two(Math.floor(seconds / 3600) % 24) + ' h';
        }
        function scaled(value, factor, units) {
          let unit = 0;
          while (value >= factor && unit + 1 < units.length) { value /= factor; unit += 1; }
          return (value < 10 && value % 1 ? value.toFixed(1) : Math.round(value)) + units[unit];
        }
        const number = (value) => scaled(value, 1000, ['', 'k', 'M', 'G']);
        const bytes = (value) => scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB']);
        const milliseconds = (seconds) => seconds === null || seconds === undefined ? '' : (seconds * 1000).toFixed(1) + ' ms';
        const clock = (time) => new Date(time).toLocaleTimeString();
        const counted = (count, thing) => number(count) + ' ' + thing + (count === 1 ? '' : 's');

        async function ask(path) {
          const answer = await fetch(path, { cache: 'no-store' });
          if (answer.status === 403) return null;
          return answer.json();
        }

        // ---- state --------------------------------------------------------------------------------------------

        function showState(health) {
          const state = byId('state');
          state.className = 'badge ' + health.status;
          state.textContent = health.status.toUpperCase();
          byId('since').textContent = 'since ' + new Date(health.since).toLocaleString() + ', for '
            + duration((Date.now() - new Date(health.since)) / 1000);
          const isUp = health.status === 'up';
          byId('reason').textContent = isUp ? '' : health.cause.toUpperCase() + ': ' + health.reason;
          byId('advice').textContent = isUp ? '' : health.advice || '';
          if (health.socket && !health.socket.reachable) byId('reason').textContent += ' ' + (health.socket.reason || '');
          byId('where').textContent = health.socket ? health.socket.path : '';
          byId('version').textContent = 'hubrelay ' + health.version + ', running for ' + duration(health.uptime_seconds) + '.';
          document.title = health.status.toUpperCase() + ' - hubrelay';
        }

        // ---- path ---------------------------------------------------------------------------------------------

        const ROWS = 8;

        function showPath(health) {
          const servers = new Map();
          for (const link of health.links) {
            if (!servers.has(link.address)) servers.set(link.address, []);
            servers.get(link.address).push(link);
          }
          const rows = [...servers.entries()].slice(0, ROWS);
          const height = Math.max(1, rows.length) * 74 + 16, middle = height / 2;
          const drawing = svg('svg', { viewBox: '0 0 900 ' + height, role: 'img' });
          const label = [];
          const box = (x, y, width, lines) => {
            drawing.append(svg('rect', { class: 'box', x, y: y - 26, width, height: 52, rx: 8 }));
            lines.forEach((line, index) => drawing.append(svg('text', { class: index ? 'soft' : '', x: x + width / 2,
              y: y + (lines.length > 1 ? -3 + 17 * index : 5), 'text-anchor': 'middle' }, line)));
          };
          const reachable = !health.socket || health.socket.reachable;
          drawing.append(svg('path', { class: 'wire' + (reachable ? ' up' : ''), d: `M150 ${middle} L290 ${middle}` }));
          box(10, middle, 140, ['apps', counted(health.connections, 'connection')]);
          rows.forEach(([address, links], row) => {
            const y = 45 + row * 74;
            links.forEach((link, index) => {
              const shift = links.length > 1 ? (index ? 13 : -13) : 0;
              const wire = svg('path', { class: 'wire' + (link.up ? ' up' : ''), d: `M430 ${middle + shift / 2} L640 ${y + shift}` });
              const words = link.name + (link.up ? ' ' + milliseconds(link.round_trip_seconds) : ' is down');
              drawing.append(titled(wire, words + (link.reason ? ': ' + link.reason : '')));
              drawing.append(svg('text', { x: 632, y: y + shift + (shift > 0 ? 16 : -6), 'text-anchor': 'end' }, words));
              label.push(words);
            });
            const short = address.length > 30 ? address.slice(0, 29) + '\u2026' : address;
            box(640, y, 250, [short, links.some((link) => link.tls) ? links.find((link) => link.tls).tls : 'Redis']);
          });
          box(290, middle, 140, ['relay', health.publishing && health.receiving ? 'both ways' : health.publishing ? 'publishes only'
            : health.receiving ? 'receives only' : 'no way through']);
          drawing.setAttribute('aria-label', 'Links: ' + label.join(', '));
          byId('path').replaceChildren(drawing);
          const more = servers.size - rows.length, probe = health.probe;
          byId('probe').textContent = (more > 0 ? more + ' more servers. ' : '') + (probe.enabled
            ? 'The last probe, a message of the relay\u2019s own, came back in '
              + (milliseconds(probe.round_trip_seconds) || '\u2013') + '.'
            : 'There are no probes' + (probe.unavailable ? ': ' + probe.unavailable : '') + '.');
        }

        // ---- the last hours -----------------------------------------------------------------------------------

        function showStrip(history) {
          const end = history.now_unix_ms, changes = history.transitions;
          const known = changes.length ? (end - changes[0].unix_ms) / 60000 : 0;
          const minutes = MINUTES.find((span) => known <= span) || MINUTES.at(-1), start = end - minutes * 60000;
          const x = (time) => 900 * Math.min(1, Math.max(0, (time - start) / (end - start)));
          const drawing = svg('svg', { viewBox: '0 0 900 58', role: 'img' });
          drawing.append(svg('rect', { class: 'unknown', x: 0, y: 6, width: 900, height: 26 }));
          let outages = 0;
          changes.forEach((change, index) => {
            const until = index + 1 < changes.length ? changes[index + 1].unix_ms : end;
            if (until < start) return;
            const words = change.state + (change.state === 'up' ? '' : ' (' + change.cause + ')') + ' from ' + clock(change.unix_ms)
              + ' for ' + duration((until - change.unix_ms) / 1000);
            if (change.state !== 'up') outages += 1;
            // An outage of a moment is still to be seen.
            const width = Math.max(x(until) - x(change.unix_ms), change.state === 'up' ? 0 : 2);
            drawing.append(titled(svg('rect', { class: change.state, x: x(change.unix_ms), y: 6, width, height: 26 }), words));
            if (index && change.gaps > changes[index - 1].gaps && change.unix_ms >= start) {
              drawing.append(titled(svg('rect', { class: 'gapmark', x: x(change.unix_ms) - 2, y: 0, width: 4, height: 5 }),
                'gap at ' + clock(change.unix_ms)));
            }
          });
          for (let part = 0; part <= 5; part += 1) {
            const time = start + part * (end - start) / 5;
            drawing.append(svg('text', { class: 'soft', x: x(time), y: 54,
              'text-anchor': part === 0 ? 'start' : part === 5 ? 'end' : 'middle' },
              part === 5 ? 'now' : new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })));
          }
          drawing.setAttribute('aria-label', counted(outages, 'time') + ' not up in the last ' + duration(minutes * 60));
          byId('strip').replaceChildren(drawing);
        }

        function showPlots(history) {
          const plots = [['published', 'published'], ['received', 'received from Redis'], ['delivered', 'delivered to clients'],
            ['lost', 'lost']];
          byId('plots').replaceChildren(...plots.map(([field, title]) => {
            const rates = history.samples.map((sample) => sample[field] / sample.seconds);
            const most = Math.max(...rates, 0), figure = html('figure');
            const drawing = svg('svg', { viewBox: '0 0 240 56', preserveAspectRatio: 'none', role: 'img',
              'aria-label': title + ': ' + number(rates.at(-1) || 0) + ' per second, ' + number(most) + ' at most' });
            drawing.append(svg('path', { class: 'axis', d: 'M0 54 L240 54' }));
            if (rates.length > 1) {
              const points = rates.map((rate, index) => (240 - rates.length + 1 + index) + ' '
                + (54 - 48 * (most ? rate / most : 0)).toFixed(1));
              drawing.append(svg('path', { class: 'plot', d: 'M' + points.join(' L') }));
            }
            const caption = html('figcaption');
            caption.append(html('b', '', number(rates.at(-1) || 0)), ' ' + title + ', at most ' + number(most));
            figure.append(drawing, caption);
            return figure;
          }));
        }

        // ---- clients and numbers ------------------------------------------------------------------------------

        function showClients(list) {
          if (!list) {
            byId('clients').replaceChildren(html('p', 'note',
              'Clients are not shown at this address (--http-details).'));
            return;
          }
          const columns = [['name', 'name', (row) => row.name || '\u2013'], ['user', '', (row) => row.uid ?? '\u2013'],
            ['process', '', (row) => row.pid ?? '\u2013'], ['age', '', (row) => duration(row.age_seconds)],
            ['channels', '', (row) => number(row.channels)], ['published/s', '', (row) => number(row.published_per_second)],
            ['delivered/s', '', (row) => number(row.delivered_per_second)], ['unread', '', (row) => bytes(row.unread_bytes)],
            ['lost', '', (row) => number(row.lost)]];
          const table = html('table'), head = html('tr');
          head.append(...columns.map(([title, className]) => html('th', className, title)));
          table.append(head, ...list.clients.map((client) => {
            const row = html('tr', client.unread_bytes > 0 ? 'slow' : '');
            row.append(...columns.map(([, className, cell]) => html('td', className, String(cell(client)))));
            return row;
          }));
          byId('clients').replaceChildren(list.clients.length ? table : html('p', 'note', 'There are none.'));
        }

        function showNumbers(health) {
          const lost = Object.values(health.messages.lost).reduce((sum, count) => sum + count, 0);
          const numbers = [['connections', number(health.connections)], ['channels and patterns', number(health.names)],
            ['subscriptions', number(health.subscriptions)], ['unread by clients', bytes(health.buffered_bytes)],
            ['publishes in flight', number(health.publishes.in_flight)], ['messages received', number(health.messages.received)],
            ['messages delivered', number(health.messages.delivered)], ['messages lost', number(lost)]];
          byId('numbers').replaceChildren(...numbers.flatMap(([title, value]) => {
            const group = html('div');
            group.append(html('dt', '', title), html('dd', '', value));
            return [group];
          }));
          byId('totals').textContent = '\u00b7 since the start: ' + counted(health.outages, 'outage') + ', '
            + duration(health.outage_seconds) + ' in all, ' + counted(health.gaps, 'gap');
        }

        // ---- again and again ----------------------------------------------------------------------------------

        let answeredAt = Date.now(), historyAt = 0, shownState = '', isAsking = false;

        async function look() {
          if (isAsking) return;
          isAsking = true;
          try {
            const health = await ask('/health');
            showState(health); showPath(health); showNumbers(health);
            if (Date.now() - historyAt >= HISTORY || health.status !== shownState) {
              const history = await ask('/history');
              showStrip(history); showPlots(history);
              [historyAt, shownState] = [Date.now(), health.status];
            }
            showClients(await ask('/connections?sort=unread&limit=10'));
            answeredAt = Date.now();
            byId('silence').hidden = true;
          } catch (error) {
            byId('silence').textContent = 'No answer from the relay for ' + duration((Date.now() - answeredAt) / 1000)
              + '. The values below are older.';
            byId('silence').hidden = false;
            document.title = '? - hubrelay';
          }
          isAsking = false;
        }
        look();
        setInterval(() => { if (!document.hidden) look(); }, LOOK);
        document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
        """#
}
