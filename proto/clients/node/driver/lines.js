'use strict';

// The lines that the conformance driver and the runner say to each other.

const fs = require('node:fs');

const NUMBERS = {
  inflight: 'unanswered',
  unsent: 'unsentBytes',
  events: 'eventsBytes',
  jitter_ms: 'gapJitter',
  partial_ms: 'partialGap',
  backoff_min_ms: 'backoffMin',
  backoff_max_ms: 'backoffMax',
  backoff_hopeless_ms: 'backoffHopeless',
  handshake_ms: 'handshake',
  drain_ms: 'drain',
  successor_ms: 'successor',
  ping_owed_ms: 'pingOwed',
  ping_idle_ms: 'pingIdle',
  ping_timeout_ms: 'pingTimeout',
};

const WORDS = new Set(['NOT_CONNECTED', 'INTERRUPTED', 'REFUSED', 'INVALID', 'LIMIT', 'CONGESTED', 'CLOSED']);

/** @param {string[]} words */
function options(words) {
  /** @type {Record<string, number>} */
  const found = {};
  for (const word of words) {
    const [key, value] = word.split('=');
    const option = /** @type {Record<string, string>} */ (NUMBERS)[key];
    if (option) found[option] = Number(value);
  }
  return found;
}

/**
 * Bytes that are no UTF-8 become a lone surrogate, which the client refuses as such.
 * @param {string} word
 */
function name(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return '\ud800';
  }
}

/** @param {string[]} words */
function names(words) {
  return {
    channels: words.filter((word) => word.startsWith('c:')).map((word) => name(word.slice(2))),
    patterns: words.filter((word) => word.startsWith('p:')).map((word) => name(word.slice(2))),
  };
}

/** @param {string} word */
function payload(word) {
  return word === '-' ? Buffer.alloc(0) : Buffer.from(word, 'base64');
}

/** @param {string} text */
function quoted(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

/**
 * One line, at once.
 * @param {...(string | number)} words
 */
function say(...words) {
  const data = Buffer.from(`${words.filter((word) => word !== '').join(' ')}\n`);
  for (let written = 0; written < data.length;) {
    try {
      written += fs.writeSync(1, data, written);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EAGAIN') throw error;
    }
  }
}

/** @param {string} tag @param {any} error */
function failed(tag, error) {
  if (error.name === 'AbortError') {
    say('done', tag, 'CANCELLED');
    return;
  }
  const found = [...error.channels ?? [], ...error.patterns ?? []].map((text) => `name=${quoted(text)}`);
  say('done', tag, WORDS.has(error.code) ? error.code : 'ERROR', ...found, `detail=${quoted(error.message)}`);
}

/** @param {import('../index.js').ClientEvent} event @param {string} sub */
function report(event, sub) {
  if (event.type === 'message') {
    const pattern = event.pattern && `pattern=${quoted(event.pattern)}`;
    say('event message', quoted(event.channel), event.payload.toString('base64') || '-', pattern, sub);
  } else if (event.type === 'status') {
    const { state, gaps, cause } = event;
    const flags = `publishing=${+event.publishing} receiving=${+event.receiving} connected=${+event.connected}`;
    say(`event status state=${state} ${flags} gaps=${gaps} cause=${cause}`);
  } else if (event.type === 'loss') {
    const { publishes, messages, publishesUnknown, cause } = event;
    say(`event loss publishes=${publishes} messages=${messages} unknown=${publishesUnknown} cause=${cause}`,
      `local=${+event.local}`, sub);
  } else if (event.type === 'revoked') {
    say('event revoked', ...event.channels.map((text) => `c:${quoted(text)}`),
      ...event.patterns.map((text) => `p:${quoted(text)}`), sub);
  } else {
    say(`event gap reasons=${quoted(event.reasons.join(','))} partial=${+event.partial}`, sub);
  }
}

module.exports = { failed, name, names, options, payload, quoted, report, say };
