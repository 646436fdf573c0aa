'use strict';

const assert = require('node:assert/strict');
const childProcess = require('node:child_process');
const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const Module = require('node:module');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { promisify } = require('node:util');

// Of upstream's packages, which hubrelay/socket.io needs.
const STAND_INS = path.join(__dirname, 'stand-ins');
process.env.NODE_PATH = STAND_INS;
Module._initPaths();

const execFile = promisify(childProcess.execFile);
const ROOT = path.join(__dirname, '..');
const TYPES = path.join(__dirname, 'types');

/** Files whose folder has this package among its modules. */
function consumer(t, files) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hubrelay-consumer-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  fs.mkdirSync(path.join(directory, 'node_modules'));
  fs.symlinkSync(ROOT, path.join(directory, 'node_modules', 'hubrelay'));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(directory, name), text);
  return directory;
}

test('import and require give the same classes, and all of them', async () => {
  for (const name of ['hubrelay', 'hubrelay/socket.io', 'hubrelay/testing']) {
    const required = require(name);
    const imported = await import(name);
    assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
    for (const [key, value] of Object.entries(required)) assert.equal(imported[key], value, key);
  }
});

test('the types name what there is, and nothing else', () => {
  for (const [file, exported] of [
    ['index.d.ts', require('hubrelay')], ['testing.d.ts', require('hubrelay/testing')],
    ['socket.io.d.ts', require('hubrelay/socket.io')],
  ]) {
    const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
    const declared = [...text.matchAll(/^export (?:class|const|function) (\w+)/gm)].map(([, name]) => name);
    assert.deepEqual(declared.sort(), Object.keys(exported).sort(), file);
  }
});

test('the types of the classes name their methods, and nothing else', () => {
  const hubrelay = require('hubrelay');
  const inherited = new Set(Object.getOwnPropertyNames(EventEmitter.prototype));
  const text = fs.readFileSync(path.join(ROOT, 'index.d.ts'), 'utf8') +
    fs.readFileSync(path.join(ROOT, 'testing.d.ts'), 'utf8');
  const { Client, EventStream, Subscription } = hubrelay;
  for (const type of [Client, EventStream, Subscription, require('hubrelay/testing').FakeRelay]) {
    const [, body] = new RegExp(`^export class ${type.name}\\b.*?\\{\\n(.*?)^\\}`, 'ms').exec(text);
    const declared = [...body.matchAll(/^ {2}(\w+)(?:<.*?>)?\(/gm)].map(([, name]) => name);
    const methods = Object.entries(Object.getOwnPropertyDescriptors(type.prototype))
      .filter(([name, { value }]) => typeof value === 'function' && !name.startsWith('_')).map(([name]) => name);
    const expected = methods.filter((name) => name !== 'constructor' && !/^whenFilled|length$/.test(name));
    const own = declared.filter((name) => name !== 'constructor' && !inherited.has(name));
    assert.deepEqual([...new Set(own)].sort(), expected.sort(), type.name);
  }
});

test('every option in the types has its default, and is in the README', () => {
  const { DEFAULTS } = require('../lib/options');
  const types = fs.readFileSync(path.join(ROOT, 'index.d.ts'), 'utf8');
  const [, body] = /^export interface Numbers \{\n(.*?)^\}/ms.exec(types);
  assert.deepEqual([...body.matchAll(/^ {2}(\w+)\?: number/gm)].map(([, name]) => name), Object.keys(DEFAULTS));
  const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  for (const name of Object.keys(DEFAULTS)) assert.ok(readme.includes(`\`${name}\``), name);
});

test('every option of the Socket.IO adapter is in the types and on its page', () => {
  const { DEFAULTS } = require('../lib/socket.io/options');
  const types = fs.readFileSync(path.join(ROOT, 'socket.io.d.ts'), 'utf8');
  const [, body] = /^export interface HubrelayAdapterOptions .*?\{\n(.*?)^\}/ms.exec(types);
  const declared = [...body.matchAll(/^ {2}(\w+)\?: /gm)].map(([, name]) => name);
  assert.deepEqual(declared.sort(), Object.keys(DEFAULTS).sort());
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'socket.io.md'), 'utf8');
  for (const name of declared) assert.ok(page.includes(`\`${name}\``), name);
});

test('the package alone needs nothing of Socket.IO', () => {
  const program = 'require(process.argv[1]); const { cache } = require;' +
    'process.exit(Object.keys(cache).some((name) => name.includes("socket.io")) ? 1 : 0)';
  childProcess.execFileSync(process.execPath, ['-e', program, ROOT], { env: { ...process.env, NODE_PATH: '' } });
});

test('what is published has all that it needs, and no tests', (t) => {
  const { files } = require('../package.json');
  const directory = consumer(t, {});
  const target = path.join(directory, 'copy');
  fs.mkdirSync(target);
  for (const name of fs.readdirSync(ROOT)) {
    const isPublished = files.some((file) => new RegExp(`^${file.replace('*', '.*')}$`).test(name));
    if (!isPublished && name !== 'package.json') continue;
    fs.cpSync(path.join(ROOT, name), path.join(target, name), { recursive: true });
  }
  assert.ok(!fs.existsSync(path.join(target, 'test')));
  const program = 'require(process.argv[1]); require(process.argv[1] + "/testing.js"); ' +
    'require(process.argv[1] + "/socket.io.js")';
  childProcess.execFileSync(process.execPath, ['-e', program, target]);
});

/** Of Debian's own nodejs package. */
const NODE_TYPES = '/usr/share/nodejs/@types/node';
const hasTypescript = childProcess.spawnSync('tsc', ['--version']).status === 0;

/** Compiles these files, and rejects with what tsc objects to. */
async function compile(t, files, options) {
  const directory = consumer(t, files);
  const always = { noEmit: true, strict: true, skipDefaultLibCheck: true, target: 'ES2022', types: [] };
  const compilerOptions = { ...always, lib: ['ES2022'], ...options };
  fs.writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  await execFile('tsc', ['-p', directory]).catch(({ stdout }) => assert.fail(stdout));
}

const skip = !hasTypescript && 'there is no tsc';

test('TypeScript takes what applications write', { skip, concurrency: 1 }, async (t) => {
  const source = fs.readFileSync(path.join(TYPES, 'consumer.ts'), 'utf8');
  const withNode = {
    'with-node.ts': fs.readFileSync(path.join(TYPES, 'with-node.ts'), 'utf8'),
    'node-like.d.ts': fs.readFileSync(path.join(TYPES, 'node-like.d.ts'), 'utf8'),
  };
  const modern = { module: 'Node16', moduleResolution: 'Node16' };
  const former = { module: 'CommonJS', moduleResolution: 'Node', lib: ['ES2022', 'DOM'] };
  const one = { 'consumer.ts': source };
  await t.test('as an ES module and as CommonJS', () => compile(t, { 'esm.mts': source, 'cjs.cts': source }, modern));
  await t.test('of before `exports`, with the types of the DOM', () => compile(t, one, former));
  await t.test('with the Socket.IO adapter', () => {
    const text = fs.readFileSync(path.join(TYPES, 'socket.io.ts'), 'utf8');
    const upstream = Object.fromEntries(['node.d.ts', 'socket.io-adapter.d.ts'].map((name) => (
      [name, fs.readFileSync(path.join(ROOT, 'types', name), 'utf8')])));
    return compile(t, { 'esm.mts': text, 'cjs.cts': text, ...upstream }, modern);
  });
  await t.test('with the types of Node.js', () => compile(t, withNode, modern));
  await t.test('with @types/node as Debian has it', { skip: !fs.existsSync(NODE_TYPES) && `no ${NODE_TYPES}` }, () => {
    const { 'with-node.ts': text } = withNode;
    // Debian's modules are found by Node.js where tsc does not look for them: its declarations are not judged.
    const debian = { typeRoots: [path.dirname(NODE_TYPES)], types: ['node'], skipLibCheck: true };
    return compile(t, { 'with-node.ts': text }, { ...modern, ...debian });
  });
});
