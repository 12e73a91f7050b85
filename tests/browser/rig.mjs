// rig.mjs - a gateway and a simulator as child processes, accounts in every state, and Debian's Chromium.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const START_LIMIT_MS = 20_000;
const children = new Set();

export function cleanEnvironment() {
  const env = {};
  for (const [name, value] of Object.entries(process.env))
    if (!/^(OPENAI|ANTHROPIC|GEMINI|GOOGLE|PENSTOCK|ANTI_API|ABV)_|_PROXY$/i.test(name)) env[name] = value;
  return { ...env, PENSTOCK_NO_OPEN: '1' };
}

async function start(program, args) {
  const child = spawn(program, args, { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  child.log = '';
  child.stderr.on('data', (d) => (child.log = (child.log + d).slice(-20_000)));
  const address = new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (d) => {
      text += d;
      const found = /listening on (http:\/\/\S+)/.exec(text);
      if (found) resolve(found[1]);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`penstock ${args[0]} ended with ${code}\n${child.log}`)));
  });
  const late = sleep(START_LIMIT_MS, null, { ref: false }).then(() => {
    throw new Error(`penstock ${args[0]} said no address\n${child.log}`);
  });
  child.address = await Promise.race([address, late]);
  return child;
}

export class Rig {
  static async start(program, settings = {}) {
    const rig = new Rig();
    rig.program = program;
    rig.folder = mkdtempSync(join(tmpdir(), 'penstock-browser-'));
    chmodSync(rig.folder, 0o700);
    rig.simulator = await start(program, ['simulate', '--listen', '127.0.0.1:0']);
    const made = typeof settings === 'function' ? settings(rig.simulator.address) : settings;
    rig.write(made);
    rig.gateway = await start(program, ['serve', '--data-dir', rig.folder, '--listen', '127.0.0.1:0']);
    rig.base = rig.gateway.address;
    rig.token = readFileSync(join(rig.folder, 'admin.token'), 'utf8').trim();
    return rig;
  }

  write(settings) {
    writeFileSync(join(this.folder, 'gui_config.json'), JSON.stringify(settings, null, 2), { mode: 0o600 });
  }

  async restart() {
    const port = new URL(this.base).port;
    await end(this.gateway);
    this.gateway = await start(this.program, ['serve', '--data-dir', this.folder, '--listen', `127.0.0.1:${port}`]);
  }

  async stopGateway() {
    await end(this.gateway);
  }

  async stop() {
    await end(this.gateway);
    await end(this.simulator);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async admin(method, path, body) {
    const answer = await fetch(`${this.base}/${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, ...(method === 'GET' ? {} : { 'Content-Type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  }

  // A link that logs a browser in, as `penstock open` prints it.
  async link() {
    const { status, body } = await this.admin('POST', 'api/session/link');
    if (status !== 201) throw new Error(`no link: ${status} ${JSON.stringify(body)}`);
    return body.url;
  }

  // What the simulator does with an account from now on.
  async rules(key, rules) {
    await this.simulate(key, { rules });
  }

  // So many requests in a window; its answers tell what is left.
  async quota(key, requests, seconds) {
    await this.simulate(key, { quota: { requests, window_seconds: seconds } });
  }

  async simulate(key, what) {
    const answer = await fetch(`${this.simulator.address}/_sim/accounts/${encodeURIComponent(key)}`, { method: 'PUT', body: JSON.stringify(what) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async ask(model, text, { session = 'one', stream = false, key } = {}) {
    const answer = await fetch(`${this.base}/v1/messages`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'anthropic-version': '2023-06-01', 'X-Session-Id': session, ...(key ? { 'x-api-key': key } : {}) },
      body: JSON.stringify({ model, max_tokens: 200, stream, messages: [{ role: 'user', content: text }] }),
    });
    const body = await answer.text();
    return { status: answer.status, headers: answer.headers, body };
  }
}

async function end(child) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(late);
  children.delete(child);
}

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export async function openBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'] });
}

// --- what the pages are shown with --------------------------------------------------------------------------------------

export function accountsOf(simulator) {
  const one = (label, provider, extra = {}) => ({
    label,
    provider,
    base_url: provider === 'openai' ? `${simulator}/v1` : simulator,
    api_key: `key-${label.replaceAll(' ', '-')}`,
    ...extra,
  });
  return [
    one('ada@example.com', 'anthropic', { tier: 'ULTRA', models: ['claude-*'] }),
    one('ben@example.com', 'anthropic', { tier: 'PRO', models: ['claude-*'] }),
    one('clara.montgomery-whitfield@long-company-name.example', 'anthropic', { tier: 'PRO', models: ['claude-*'] }),
    one('work', 'openai', { tier: 'PRO', models: ['gpt-*'] }),
    one('spare', 'openai', { models: ['gpt-5.6', 'gpt-5.6-mini'], max_concurrency: 4 }),
    one('gemini-main', 'gemini', { tier: 'FREE', models: ['gemini-*'] }),
    one('old key', 'anthropic', { disabled: true }),
    one('resting', 'openai', { proxy_disabled: true }),
    one('lab', 'compatible', { wire: 'openai-chat', base_url: `${simulator}/v1`, models: ['qwen*', 'llama-4'] }),
  ];
}

// Requests that leave something to see: answers, failovers, limits, a refused credential, a running stream.
export async function seed(rig) {
  await rig.rules('key-ada@example.com', ['model claude-opus-4-8: error=quota retry-after=3h']);
  await rig.rules('key-work', ['error=rate_limit retry-after=90s times=1']);
  await rig.rules('key-spare', ['error=key']);
  await rig.quota('key-ben@example.com', 60, 18_000);
  await rig.quota('key-clara.montgomery-whitfield@long-company-name.example', 12, 3600);
  const requests = [];
  for (let i = 0; i < 18; i++) requests.push(rig.ask(['claude-sonnet-5', 'claude-opus-4-8', 'gpt-5.6', 'gemini-3-pro'][i % 4], `Question ${i}`, { session: `conversation-${i % 7}`, stream: i % 2 === 0 }));
  await Promise.all(requests);
  for (let i = 0; i < 6; i++) await rig.ask('claude-sonnet-5', `And ${i}`, { session: `conversation-${i % 3}` });
  await rig.ask('no-such-model-at-all', 'hello', { session: 'lost' });
}
