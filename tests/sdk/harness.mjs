// What the SDK tests stand on: a simulator and a gateway as child processes, one set of accounts for each case, and
// the oracle that compares what a client sent with what the upstream got, and what the upstream answered with what
// the client got.
//
// Isolation: a fault locks its account out, so no two cases share one. Each case has a model of its own, offered only
// by its own accounts; therefore cases run side by side, and the records of a case are found by the accounts' keys.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Streams } from './grammar.mjs';

export const CLIENT_KEY = 'key-of-the-client-in-the-sdk-tests';

const CASE_LIMIT_MS = 20_000;
const RUN_LIMIT_MS = 240_000; // below that of tools/run_tests.py, so that we end our children ourselves
const CASES_AT_ONCE = 6;
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 10_000;

// --- cases ------------------------------------------------------------------------------------------------------

const cases = [];

// `how`: prefix (of the model names), wire, provider; `protocol` when the client speaks another one than the accounts do:
// then bytes differ, and the oracle looks at everything else. The returned function registers a case:
// test(sentence, [{ accounts, mapped, compatible }], async (t) => …).
// `accounts`: how many offer the model (1); behind the first come `compatible` ones. `mapped`: the client asks for
// another name than the accounts offer. `compatible`: so is the first.
export function suite(how) {
  let count = 0;
  return (name, needs, body) => {
    const options = { accounts: 1, mapped: false, compatible: false, ...(body ? needs : {}) };
    const id = `${how.prefix}-${String(++count).padStart(2, '0')}`;
    cases.push(new Case(id, `${how.prefix}: ${name}`, how, options, body ?? needs));
  };
}

class Case {
  constructor(id, name, how, needs, body) {
    this.id = id;
    this.name = name;
    this.body = body;
    this.how = how;
    this.upstream = `sim-${id}`; // the model as the accounts offer it
    this.model = needs.mapped ? `alias-${id}` : this.upstream; // … and as the client asks for it
    this.accounts = Array.from({ length: needs.accounts }, (_, i) => {
      const label = `${id}-${'abc'[i]}`;
      const provider = i > 0 || needs.compatible ? 'compatible' : how.provider;
      return { label, key: `key-${label}`, provider };
    });
    this.calls = [];
    this.ruled = new Set(); // keys of accounts that rules steer: their answers cannot be asked for again
    this.fetch = (url, init) => this.#fetch(url, init);
  }

  // The accounts as the gateway's settings file has them; `simulator` is where they live.
  settings(simulator) {
    const versioned = this.how.wire.startsWith('openai-');
    return this.accounts.map(({ label, key, provider }) => ({
      label,
      provider,
      ...(provider === 'compatible' ? { wire: this.how.wire } : {}),
      base_url: simulator + (versioned ? '/v1' : ''),
      api_key: key,
      models: [this.upstream],
    }));
  }

  // Steers what the simulator answers to the account with that index.
  async rules(index, ...rules) {
    const { key } = this.accounts[index];
    this.ruled.add(key);
    const response = await fetch(`${this.simulator}/_sim/accounts/${key}`, {
      method: 'PUT',
      body: JSON.stringify({ rules }),
    });
    assert.equal(response.status, 200, await response.text());
  }

  // What has arrived at the simulator for this case, in the order of arrival.
  async records() {
    const response = await fetch(`${this.simulator}/_sim/requests?after=${this.since}&limit=1000`);
    const { requests } = await response.json();
    const keys = new Set(this.accounts.map((a) => a.key));
    return requests.filter((r) => keys.has(r.account));
  }

  // Waits until `found(records)` is true; the case's own limit ends it.
  async recordsUntil(found) {
    for (;;) {
      const records = await this.records();
      if (found(records)) return records;
      await sleep(20);
    }
  }

  // What the simulator answered to a record: it answers the same request with the same bytes, whoever asks.
  async answerOf(record) {
    const headers = record.headers.filter(({ name }) => !/^(host|content-length|connection|authorization|x-api-key|x-goog-api-key)$/i.test(name));
    const response = await fetch(`${this.simulator}${record.path}${record.query ? `?${record.query}` : ''}`, {
      method: 'POST',
      headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
      body: record.body,
    });
    return response.text();
  }

  async health() {
    const response = await fetch(`${this.gateway}/health`);
    assert.equal(response.status, 200);
    assert.equal((await response.json()).status, 'ok');
  }

  async run(gateway, simulator) {
    this.gateway = gateway;
    this.simulator = simulator;
    const status = await (await fetch(`${simulator}/_sim/status`)).json();
    this.since = status.last;
    await this.body(this);
    if (this.how.protocol !== 'side') await oracle(this); // what is beside generating has no such rules
  }

  // The `fetch` for an SDK: notes what is sent and what comes back, and changes nothing.
  async #fetch(url, init = {}) {
    const target = new URL(url);
    const call = new Call(init.method ?? 'GET', target, new Headers(init.headers), await bodyText(init.body));
    this.calls.push(call);
    const response = await fetch(url, init);
    call.status = response.status;
    call.headers = response.headers;
    if (response.body === null) return response;
    const noted = response.body.pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          call.chunks.push(chunk);
          controller.enqueue(chunk);
        },
        flush() {
          call.whole = true;
        },
      }),
    );
    const { status, statusText, headers } = response;
    const copy = new Response(noted, { status, statusText, headers });
    Object.defineProperty(copy, 'url', { value: response.url });
    return copy;
  }
}

async function bodyText(body) {
  if (body === undefined || body === null) return null;
  if (typeof body === 'string') return body;
  assert(ArrayBuffer.isView(body), 'the SDK sends its body in a form that cannot be noted');
  return new TextDecoder('utf-8', { fatal: true }).decode(body);
}

// One HTTP request of an SDK to the gateway.
class Call {
  constructor(method, url, sent, body) {
    Object.assign(this, { method, url, sent, body });
    this.chunks = [];
    this.whole = false; // the answer came to its end
  }

  // Is it a question for a model, which goes upstream?
  get generates() {
    return (
      this.method === 'POST' &&
      /\/(chat\/completions|responses|messages)$|:(g|streamG)enerateContent$/.test(this.url.pathname)
    );
  }

  get received() {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  // How many upstream requests the gateway says it made; undefined when no answer came at all.
  get attempts() {
    return this.headers === undefined ? undefined : Number(this.headers.get('x-penstock-attempts') ?? 0);
  }
}

// --- the oracle -------------------------------------------------------------------------------------------------

// What every case is held to, whatever it is about: each upstream request is the client's but for the declared edits,
// each good answer has its header fields and is the upstream's but for the declared edits, and nothing was sent
// upstream that no call explains.
async function oracle(t) {
  const rest = await t.records();
  const answers = [];

  for (const call of t.calls.filter((c) => c.generates)) {
    const own = rest.splice(0, call.attempts ?? 1); // who left before the answer may have sent one
    assert(own.length >= (call.attempts ?? 0), `${call.attempts} attempts are told, ${own.length} arrived`);
    for (const record of own) checkRequest(t, call, record);
    if (call.headers) assert.match(call.headers.get('x-request-id') ?? '', /^req_[0-9a-f]{24}$/);
    if (call.status !== 200) continue;
    checkFields(t, call, own.at(-1));
    answers.push({ call, record: own.at(-1) });
  }
  assert.deepEqual(rest.map((r) => r.path), [], 'upstream requests that no call explains');
  if (!translates(t)) await checkAnswers(t, answers);
}

const translates = (t) => t.how.protocol !== undefined && t.how.protocol !== t.how.wire;

const upstreamPaths = {
  'openai-chat': () => '/v1/chat/completions',
  'openai-responses': () => '/v1/responses',
  anthropic: () => '/v1/messages',
  gemini: (t, call) => `/v1beta/models/${t.upstream}:${call.url.pathname.split(':').at(-1)}`,
  cloudcode: () => '/v1internal',
};

const credentialFields = {
  'openai-chat': (key) => ['authorization', `Bearer ${key}`],
  'openai-responses': (key) => ['authorization', `Bearer ${key}`],
  anthropic: (key) => ['x-api-key', key],
  gemini: (key) => ['x-goog-api-key', key],
  cloudcode: (key) => ['authorization', `Bearer ${key}`],
};

const passedFields = ['anthropic-version', 'anthropic-beta'];

function checkRequest(t, call, record) {
  const { wire } = t.how;
  const field = (name) => record.headers.find((h) => h.name.toLowerCase() === name)?.value;
  const [credential, value] = credentialFields[wire](record.account);

  assert.equal(record.method, 'POST');
  if (translates(t)) assert(record.path.startsWith(upstreamPaths[wire](t, call).replace(/:.*/, '')), record.path);
  else assert.equal(record.path, upstreamPaths[wire](t, call));
  assert.equal(record.model, t.upstream);
  assert.equal(field(credential), value);
  assert.match(field('user-agent') ?? '', /^penstock\//);
  assert(!JSON.stringify([record.headers, record.query]).includes(CLIENT_KEY), "the client's key went upstream");
  if (translates(t)) return;
  if (wire === 'anthropic')
    for (const name of passedFields) assert.equal(field(name), call.sent.get(name) ?? undefined, name);
  if (wire === 'gemini') assert.equal(new URLSearchParams(record.query).get('alt'), call.url.searchParams.get('alt'));
  checkRequestBody(t, call.body, record.body);
}

// Declared edits of a request: the model, and in a chat stream the wish for its usage.
function checkRequestBody(t, sent, received) {
  let expected = sent;
  if (t.how.wire !== 'gemini') {
    const parts = sent.split(`"model":${JSON.stringify(t.model)}`);
    assert.equal(parts.length, 2, 'the model must stand in the body exactly once, or the test is wrong');
    expected = parts.join(`"model":${JSON.stringify(t.upstream)}`);
  }
  const asked = JSON.parse(sent);
  if (t.how.wire === 'openai-chat' && asked.stream === true && asked.stream_options?.include_usage !== true)
    received = withoutUsageWish(received, asked);
  assertSameText(received, expected, 'body that arrived upstream');
}

// Takes `stream_options.include_usage` out again, wherever the gateway has put it in.
function withoutUsageWish(received, asked) {
  assert.equal(JSON.parse(received).stream_options?.include_usage, true, 'the usage is not asked for');
  if (asked.stream_options === undefined)
    return received.replace(/,"stream_options":\{"include_usage":true\}|"stream_options":\{"include_usage":true\},/, '');
  if (asked.stream_options?.include_usage === false)
    return received.replace('"include_usage":true', '"include_usage":false');
  return received.replace(/,"include_usage":true|"include_usage":true,?/, '');
}

const reasons = /^(fixed|sticky|recent|round_robin|route|flow|only)(; passed=\S+)?$/;

function checkFields(t, call, record) {
  const account = t.accounts.find((a) => a.key === record?.account);
  assert(account, 'a good answer, but no upstream request');
  const shown = (name) => call.headers.get(name);

  assert.equal(shown('x-account-email'), account.label);
  assert.equal(shown('x-mapped-model'), t.upstream);
  assert.equal(shown('x-penstock-provider'), account.provider);
  assert.match(shown('x-penstock-attempts'), /^[1-9][0-9]*$/);
  assert.match(shown('x-penstock-reason'), reasons);
  if (!translates(t)) assert.equal(shown('x-penstock-dropped'), null, 'nothing is lost on the same wire');
}

// The simulator answers the same request with the same bytes, so it is asked again without the gateway. All records
// of an account are repeated, in order, because its prompt cache is part of the answer.
async function checkAnswers(t, answers) {
  for (const record of await t.records()) {
    if (t.ruled.has(record.account) || record.state !== 'done') continue;
    const response = await fetch(`${t.simulator}${record.path}${record.query ? `?${record.query}` : ''}`, {
      method: record.method,
      headers: { 'content-type': 'application/json', authorization: `Bearer again-${record.account}` },
      body: record.body,
    });
    const said = await response.text();
    const answer = answers.find((a) => a.record.sequence === record.sequence);
    if (answer) checkAnswerBody(t, answer.call, said);
  }
}

// Declared edits of an answer: the model's name, a usage chunk that the client did not ask for, and the error at the
// end of a stream that did not end well. Comments are no content; before the first content they need not pass. Who did
// not read to the end has the beginning.
function checkAnswerBody(t, call, said) {
  const asked = JSON.parse(call.body);
  const received = blocks(call.received).join('');
  let events = blocks(said);
  if (t.how.wire === 'openai-chat' && asked.stream && asked.stream_options?.include_usage !== true)
    events = events.filter((e) => !isUsageChunk(e));
  const expected = events
    .join('')
    .replaceAll(`"model":${JSON.stringify(t.upstream)}`, `"model":${JSON.stringify(t.model)}`)
    .replaceAll(`"modelVersion":${JSON.stringify(t.upstream)}`, `"modelVersion":${JSON.stringify(t.model)}`);
  assertSameText(received, call.whole ? expected : expected.slice(0, received.length), 'answer that the client got');
}

// An event stream in its blocks, each with its blank line, without comments and errors; anything else as one block.
function blocks(text) {
  const all = text.split(/(?<=\r\n\r\n|\n\n|\r\r)/);
  return all.filter((block) => !block.startsWith(':') && !/"error":\{|^event: error/.test(block));
}

function isUsageChunk(block) {
  const data = /^data: (\{.*\})/.exec(block)?.[1];
  const chunk = data ? JSON.parse(data) : {};
  return chunk.choices?.length === 0 && chunk.usage != null;
}

function assertSameText(actual, expected, what) {
  if (actual === expected) return;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const near = (text) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 120));
  assert.fail(`${what} differs at ${at} of ${expected.length}:\n  is      ${near(actual)}\n  must be ${near(expected)}`);
}

// --- small helps for cases --------------------------------------------------------------------------------------

// Tokens as the simulator counts them: each segment (system text, message, the tools) by itself.
export function tokens(...segments) {
  return segments.reduce((sum, text) => sum + Math.ceil(Buffer.byteLength(text) / 4), 0);
}

// The error that `promise` fails with.
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail('an error was expected');
}

// A PNG of one red pixel.
export const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
export const pixelBytes = Buffer.from(pixel, 'base64').length;

export const weatherSchema = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city'],
  additionalProperties: false,
};

// --- children ---------------------------------------------------------------------------------------------------

const children = [];

export class Child {
  constructor(binary, args, env) {
    this.name = args[0];
    this.log = '';
    this.process = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => resolve(signal ?? code));
      this.process.once('error', (error) => resolve(error.message));
    });
    this.process.stderr.on('data', (data) => this.#note(data));
    children.push(this);
  }

  #note(data) {
    this.log = (this.log + data).slice(-8000);
  }

  // The address in its first line.
  async address() {
    const line = new Promise((resolve) => {
      let text = '';
      this.process.stdout.on('data', (data) => {
        text += data;
        const found = /listening on (http:\/\/\S+)/.exec(text);
        if (found) resolve(found[1]);
      });
    });
    const late = sleep(START_LIMIT_MS, 'it said no address', { ref: false });
    const first = await Promise.race([line, this.ended, late]);
    if (typeof first === 'string' && first.startsWith('http')) return first;
    throw new Error(`penstock ${this.name} did not start: ${first}\n${this.log}`);
  }

  async stop() {
    this.process.kill('SIGTERM');
    const late = sleep(STOP_LIMIT_MS, 'it did not end', { ref: false });
    const how = await Promise.race([this.ended, late]);
    this.process.kill('SIGKILL');
    return how;
  }
}

export function killChildren() {
  for (const child of children) child.process.kill('SIGKILL');
}

// The gateway must not pick up a proxy or keys of the person who runs this, nor must the SDKs.
export function cleanEnvironment() {
  for (const name of Object.keys(process.env))
    if (/^(OPENAI|ANTHROPIC|GEMINI|GOOGLE|PENSTOCK|ANTI_API|ABV)_|_PROXY$/i.test(name)) delete process.env[name];
}

// --- the run ----------------------------------------------------------------------------------------------------

class Tally {
  passed = 0;
  failed = 0;

  pass() {
    this.passed++;
  }

  fail(name, error) {
    this.failed++;
    console.log(`FAILED ${name}\n    ${String(error?.stack ?? error).split('\n').slice(0, 12).join('\n    ')}`);
  }
}

// The streams that a case's client got. An SDK may stop reading at `[DONE]`: that is its end.
function noteStreams(t, streams) {
  for (const call of t.calls.filter((c) => c.status === 200 && /^text\/event-stream/.test(c.headers.get('content-type')))) {
    const whole = call.whole || call.received.endsWith('data: [DONE]\n\n');
    streams.note(t.name, String(call.url), call.body, Buffer.concat(call.chunks), { passed: !translates(t), whole });
  }
}

async function runCase(t, gateway, simulator, tally, streams) {
  const limit = new AbortController();
  const late = sleep(CASE_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`it took longer than ${CASE_LIMIT_MS / 1000} s`);
  });
  late.catch(() => {});
  try {
    await Promise.race([t.run(gateway, simulator), late]);
    tally.pass();
  } catch (error) {
    tally.fail(t.name, error);
  } finally {
    limit.abort();
    noteStreams(t, streams);
  }
}

async function runCases(list, gateway, simulator, tally, streams) {
  const queue = [...list];
  const worker = async () => {
    for (let t = queue.shift(); t !== undefined; t = queue.shift()) await runCase(t, gateway, simulator, tally, streams);
  };
  await Promise.all(Array.from({ length: CASES_AT_ONCE }, worker));
}

function settingsOf(list, simulator) {
  return {
    client_keys: [{ name: 'sdk-tests', key: CLIENT_KEY }],
    proxy: {
      scheduling: { queue_wait_seconds: 0 },
      custom_mapping: Object.fromEntries(list.filter((t) => t.model !== t.upstream).map((t) => [t.model, t.upstream])),
    },
    accounts: list.flatMap((t) => t.settings(simulator)),
  };
}

async function runWith(binary, folder, list, tally) {
  const simulator = new Child(binary, ['simulate', '--listen', '127.0.0.1:0'], process.env);
  const simulatorAt = await simulator.address();
  writeFileSync(join(folder, 'gui_config.json'), JSON.stringify(settingsOf(list, simulatorAt), null, 2));

  const env = { ...process.env, HOME: folder };
  const gateway = new Child(binary, ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0'], env);
  const streams = new Streams(binary);
  await runCases(list, await gateway.address(), simulatorAt, tally, streams);
  const broken = await streams.check();
  if (broken === '') tally.pass();
  else {
    console.log(broken);
    tally.fail('every stream keeps to the grammar of its protocol', 'see above');
  }

  for (const child of [gateway, simulator]) {
    const how = await child.stop();
    if (how === 0) tally.pass();
    else tally.fail(`penstock ${child.name} ends well when it is told to`, `${how}\n${child.log}`);
  }
  if (tally.failed > 0) console.log(`--- the gateway's last words\n${gateway.log}`);
}

// Runs all registered cases whose name holds one of `only` (all when there are none). Gives the exit code.
export async function run(binary, only = []) {
  const list = cases.filter((t) => only.length === 0 || only.some((word) => t.name.includes(word)));
  const tally = new Tally();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-sdk-'));
  const end = (code) => {
    killChildren();
    rmSync(folder, { recursive: true, force: true });
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => end(1));
  process.once('disconnect', () => end(1)); // the older Node that started us has died
  process.on('exit', killChildren);
  for (const event of ['uncaughtException', 'unhandledRejection'])
    process.on(event, (error) => tally.fail('an error outside of every case', error));
  setTimeout(() => {
    console.log(`the run took longer than ${RUN_LIMIT_MS / 1000} s\n${tally.passed} passed, ${tally.failed + 1} failed`);
    end(1);
  }, RUN_LIMIT_MS).unref();

  try {
    await runWith(binary, folder, list, tally);
  } catch (error) {
    tally.fail('the run itself', error);
  }
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  end(tally.failed > 0 || list.length === 0 ? 1 : 0);
}
