'use strict';

// What every Node.js program of the benchmark shares: arguments, the books of a delivery, the line that it prints.

const fs = require('node:fs');
const { performance } = require('node:perf_hooks');

const CHANNEL = 'bench';
const PAYLOAD = Buffer.from(`00000000${'x'.repeat(192)}`);

/** A delivery asks for so many messages at a time, and so many of these bursts are under way. */
const BURST = 64;
const WINDOW = 4;

const [ADDRESS, WORKLOAD] = process.argv.slice(2);
const [WARMUP, COUNT] = process.argv.slice(4).map(Number);

/** Publishes that are under way at a time. */
const UNDER_WAY = WORKLOAD === 'publish-64' ? 64 : 1;

/** They are put into one pipeline, by one caller, instead of being published by as many callers. */
const IS_PIPELINED = 'PIPELINED' in process.env;

/** The runner is the one that listens. Throws when a message did not reach it, and it alone. */
function checkReceivers(receivers) {
  if (receivers !== 1) throw new Error(`a message has reached ${receivers} receivers instead of 1`);
}

/** Processor time of this process, and time, from when it was made. */
class Clock {
  constructor() {
    this.usage = process.cpuUsage();
    this.time = performance.now();
  }

  /** Prints what the runner reads. */
  report(library) {
    const { user, system } = process.cpuUsage(this.usage);
    const wall = (performance.now() - this.time) / 1000;
    const line = { library, messages: COUNT, user_s: user / 1e6, system_s: system / 1e6, wall_s: wall };
    fs.writeSync(1, `\n${JSON.stringify(line)}\n`);
  }
}

/** The messages that have come, and what is asked for. Made once the subscription is in force. */
class Delivery {
  constructor() {
    this.taken = 0;
    fs.writeSync(1, '+'.repeat(WINDOW));
  }

  /** Takes a payload's first eight characters; true if it was the last one. Throws unless it is the next one. */
  take(number, library) {
    if (Number(number) !== this.taken) throw new Error(`message ${this.taken} is ${number}`);
    this.taken++;
    if (this.taken % BURST !== 0) return false;
    if (this.taken === WARMUP) this.clock = new Clock();
    if (this.taken === WARMUP + COUNT) {
      this.clock.report(library);
      return true;
    }
    fs.writeSync(1, '+');
    return false;
  }
}

/** Publishes so many messages by UNDER_WAY callers; each waits for its answer before it publishes again. */
async function publishAll(count, publish) {
  let left = count;
  async function caller() {
    while (left-- > 0) checkReceivers(await publish(CHANNEL, PAYLOAD));
  }
  await Promise.all(Array.from({ length: UNDER_WAY }, caller));
}

module.exports = {
  ADDRESS, CHANNEL, COUNT, Clock, Delivery, IS_PIPELINED, PAYLOAD, UNDER_WAY, WARMUP, WORKLOAD, checkReceivers,
  publishAll,
};
