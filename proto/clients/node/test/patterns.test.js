'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { matches } = require('../lib/patterns');

for (const [pattern, channel, expected] of [
  ['*', '', true], ['*', 'room.7', true], ['room.*', 'room.7', true], ['room.*', 'roomx7', false],
  ['room.?', 'room.7', true], ['room.?', 'room.77', false], ['r[ao]m', 'ram', true], ['r[ao]m', 'rim', false],
  ['r[^ao]m', 'rim', true], ['r[^ao]m', 'ram', false], ['r[a-c]m', 'rbm', true], ['r[c-a]m', 'rbm', true],
  ['r[a-c]m', 'rdm', false], ['a\\*b', 'a*b', true], ['a\\*b', 'axb', false], ['a[\\]]b', 'a]b', true],
  ['[', 'x', false], ['[a', 'a', true], ['a\\', 'a\\', true], ['caf?', 'café', false], ['caf??', 'café', true],
  ['a.b', 'axb', false], ['*\n*', 'a\nb', true], ['a*c', 'a\nc', true], ['[]', 'a', false], ['[^]', 'a', true],
]) {
  test(`${JSON.stringify(pattern)} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(channel)}`, () => {
    assert.equal(matches(pattern, channel), expected);
  });
}
