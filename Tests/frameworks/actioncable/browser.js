// Action Cable's own JavaScript, as Rails delivers it, with the code of the adapter's page. What a browser has and Node
// has not is made here. Arguments: action_cable.js, the page, the URL of the server, and after how many seconds without
// a ping a WebSocket is taken for dead (6 in a browser).
'use strict';

const fs = require('fs');
const [script, page, url, stale] = process.argv.slice(2);

const say = (what, values) => fs.writeSync(1, `say ${JSON.stringify({ what, ...values })}\n`);

globalThis.self = globalThis;
globalThis.addEventListener = globalThis.removeEventListener = () => {};
globalThis.document = { visibilityState: 'visible' };
const ActionCable = require(script);
// So that the test need not wait: from 3 s on in a browser.
ActionCable.ConnectionMonitor.staleThreshold = Number(stale);
ActionCable.ConnectionMonitor.pollInterval = { min: 0.2, max: 0.2, multiplier: 1 };

const consumer = ActionCable.createConsumer(url);
const readAgain = () => say('readAgain');
const showBanner = (shown) => say('banner', { shown });

consumer.subscriptions.create({ channel: 'RoomChannel', room: 'room' }, {
  connected() { say('connected'); this.perform('speak', { text: 'hello' }); },
  disconnected() { say('disconnected'); },
  received(data) { say('received', { data }); },
});
const code = fs.readFileSync(page, 'utf8').match(/^```js\n([^]*?)^```/m)[1];
new Function('consumer', 'readAgain', 'showBanner', code)(consumer, readAgain, showBanner);
