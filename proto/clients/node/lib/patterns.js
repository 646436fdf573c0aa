'use strict';

// Redis's glob patterns, for the fake relay: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and `\` before a character that is
// meant as itself. They match bytes, not characters: the strings here are UTF-8 with one character for each byte.

/**
 * Whether this pattern matches this channel.
 * @param {string} pattern
 * @param {string} channel
 */
function matches(pattern, channel) {
  return new RegExp(`^${expressionOf(bytesOf(pattern))}$`, 's').test(bytesOf(channel));
}

/** @param {string} text */
function bytesOf(text) {
  return Buffer.from(text).toString('latin1');
}

/** @param {string} character */
function escaped(character) {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** @param {string} pattern */
function expressionOf(pattern) {
  let expression = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === '*') {
      expression += '.*';
    } else if (character === '?') {
      expression += '.';
    } else if (character === '[') {
      const end = endOfSet(pattern, at + 1);
      expression += setOf(pattern.slice(at + 1, end));
      at = end;
    } else if (character === '\\' && at + 1 < pattern.length) {
      at++;
      expression += escaped(pattern[at]);
    } else {
      expression += escaped(character);
    }
  }
  return expression;
}

/** @param {string} pattern @param {number} at */
function endOfSet(pattern, at) {
  while (at < pattern.length && pattern[at] !== ']') at += pattern[at] === '\\' ? 2 : 1;
  return Math.min(at, pattern.length);
}

/** @param {string} content of a set, without its brackets */
function setOf(content) {
  const isNegated = content.startsWith('^');
  let members = '';
  for (let at = isNegated ? 1 : 0; at < content.length; at++) {
    if (content[at] === '\\' && at + 1 < content.length) {
      at++;
      members += escaped(content[at]);
    } else if (content[at + 1] === '-' && at + 2 < content.length) {
      const [first, last] = [content[at], content[at + 2]].sort();
      members += `${escaped(first)}-${escaped(last)}`;
      at += 2;
    } else {
      members += escaped(content[at]);
    }
  }
  return `[${isNegated ? '^' : ''}${members}]`;
}

module.exports = { matches };
