// Each agent gets two tasks, to write a file and to read one. The task is a directive to the simulator, which answers
// with a call of the agent's own tool; the agent runs it and sends the result; the simulator quotes that, and the
// agent ends. So each task goes around the whole loop: prompt, call, tool, result, answer.
//
// Each case has an account, a model, a home and a work folder of its own; what arrived upstream is found by the
// account's key, what the gateway logged by the account's label.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Streams } from '../sdk/grammar.mjs';
import { Child } from '../sdk/harness.mjs';
import { agents } from './agents.mjs';
import { tap } from './tap.mjs';

const CLIENT_KEY = 'key-of-the-client-in-the-agent-tests';
const CASE_LIMIT_MS = 90_000;
const CASES_AT_ONCE = 2; // they are heavy: each is a program of a hundred megabytes and more

const WRITTEN = 'marmalade';
const FOUND = 'heliotrope';

const upstreamPaths = {
  'openai-chat': /^\/v1\/chat\/completions$/,
  'openai-responses': /^\/v1\/responses$/,
  anthropic: /^\/v1\/messages$/,
  gemini: /^\/v1beta\/models\/[^/]+:(g|streamG)enerateContent$/,
  cloudcode: /^\/v1internal:(g|streamG)enerateContent$/,
};
const wires = Object.keys(upstreamPaths);

const tasks = [
  {
    name: 'writes a file with its tool',
    prompt: (agent, work) => agent.write(join(work, 'written.txt'), WRITTEN),
    check: (t) => assert.equal(readFileSync(join(t.work, 'written.txt'), 'utf8').trimEnd(), WRITTEN),
  },
  {
    name: 'reads a file with its tool, and its content comes back in the answer',
    prompt: (agent, work) => agent.read(join(work, 'note.txt')),
    check: (t) => assert.match(t.stdout, new RegExp(FOUND)),
  },
];

// --- one case ---------------------------------------------------------------------------------------------------

class Case {
  // `wire`: what its account speaks; the agent's own protocol, or another.
  constructor(agent, wire, task, index) {
    this.agent = agent;
    this.wire = wire;
    this.task = task;
    this.id = `${agent.name}-over-${wire}-${index + 1}`;
    this.name = `${agent.name} over ${wire} ${task.name}`;
    this.model = `sim-${this.id}`;
    this.key = `key-${this.id}`;
    this.stdout = '';
    this.stderr = '';
    this.fault = null;
  }

  account(simulator) {
    const { wire } = this;
    const provider = wire === this.agent.wire ? this.agent.provider : 'compatible';
    return {
      label: this.id,
      provider,
      ...(provider === 'compatible' ? { wire } : {}),
      base_url: simulator + (wire.startsWith('openai-') ? '/v1' : ''),
      api_key: this.key,
      models: [this.model],
    };
  }

  // Lets the agent do its task.
  async run(folder, gateway) {
    const home = join(folder, this.id, 'home');
    this.work = join(folder, this.id, 'work');
    for (const made of [home, this.work]) mkdirSync(made, { recursive: true });
    writeFileSync(join(this.work, 'note.txt'), `the word is ${FOUND}\n`);

    const prompt = this.task.prompt(this.agent, this.work);
    const { model, work } = this;
    const how = this.agent.prepare({ gateway, key: CLIENT_KEY, model, home, work, prompt });
    const elsewhere = await trap();
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
      ...proxyEnvironment(elsewhere.address),
      ...how.env,
    };
    assert.equal(await this.#agentEnd(how, env), 0, `exit status of the agent\n${this.stderr}\n${this.stdout}`);
    assert.match(this.stdout, /The tool \S+ answered: /, 'the answer that quotes the result of the tool');
    this.task.check(this);
    assert.deepEqual(elsewhere.wanted, [], 'other hosts that the agent wanted');
  }

  async #agentEnd({ command, args, input }, env) {
    const child = spawn(command, args, { cwd: this.work, env, stdio: 'pipe', detached: true });
    groups.add(child.pid);
    child.stdin.on('error', () => {}); // it need not read
    child.stdin.end(input ?? '');
    child.stdout.on('data', (data) => (this.stdout += data));
    child.stderr.on('data', (data) => (this.stderr += data));
    const ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve(signal ?? code));
      child.once('error', (error) => resolve(error.message));
    });
    const late = sleep(CASE_LIMIT_MS, `it took longer than ${CASE_LIMIT_MS / 1000} s`, { ref: false });
    const how = await Promise.race([ended, late]);
    killGroup(child.pid);
    return how;
  }

  // What arrived upstream: the account's key, the right path, good answers, and never the client's key.
  checkRecords(all) {
    const records = all.filter((r) => r.account === this.key);
    assert(records.length >= 2, `the prompt and the tool's result must arrive, not ${records.length} requests`);
    for (const record of records) {
      assert.match(record.path, upstreamPaths[this.wire]);
      assert.equal(record.wire, this.wire);
      assert.equal(record.model, this.model);
      assert.equal(record.status, 200, record.body);
      assert.equal(record.state, 'done');
      assert(!JSON.stringify([record.headers, record.query]).includes(CLIENT_KEY), "the client's key went upstream");
    }
    this.arrived = records.length;
  }

  // What the gateway says about it: as many requests as arrived, each complete at the first attempt.
  checkLog(lines) {
    const own = lines.filter((line) => line.account === this.id);
    assert.equal(own.length, this.arrived, 'requests in the log');
    for (const line of own) {
      const { protocol, status, ending, attempt_count: attempts } = line;
      assert.deepEqual(
        { protocol, status, ending, attempts },
        { protocol: this.agent.wire, status: 200, ending: 'complete', attempts: 1 },
        JSON.stringify(line),
      );
    }
  }
}

// --- processes and places ---------------------------------------------------------------------------------------

const groups = new Set(); // of the agents that run

function killGroup(pid) {
  if (!groups.delete(pid) || pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended, and so has all it started
  }
}

export function killAgents() {
  for (const pid of groups) killGroup(pid);
}

function proxyEnvironment(proxy) {
  const env = {};
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']) env[name] = env[name.toLowerCase()] = proxy;
  return { ...env, NO_PROXY: '127.0.0.1,localhost', no_proxy: '127.0.0.1,localhost' };
}

// A proxy that connects nowhere and notes who was wanted.
async function trap() {
  const wanted = [];
  const server = createServer((request, response) => {
    wanted.push(request.url);
    response.writeHead(403).end();
  });
  server.on('connect', (request, socket) => {
    wanted.push(request.url);
    socket.on('error', () => {});
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { wanted, address: `http://127.0.0.1:${server.address().port}` };
}

// The access log: every request has its line there, where the log itself repeats a message ten times a second at most.
function accessLog(folder) {
  const lines = readFileSync(join(folder, 'access.log'), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

// The gateway's counters; `folder` is where its data is.
async function countersOf(gateway, folder) {
  const token = readFileSync(join(folder, 'admin.token'), 'utf8').trim();
  const answer = await fetch(`${gateway}/api/status`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  return (await answer.json()).counters;
}

async function recordsOf(simulator) {
  const answer = await (await fetch(`${simulator}/_sim/requests?limit=1000`)).json();
  assert.equal(answer.more, false, 'more requests than the simulator keeps');
  return answer.requests;
}

// --- the run ----------------------------------------------------------------------------------------------------

async function attempt(t, action) {
  if (t.fault) return;
  try {
    await action();
  } catch (error) {
    t.fault = error;
  }
}

async function runCases(list, folder, gateway) {
  const queue = [...list];
  const worker = async () => {
    for (let t = queue.shift(); t !== undefined; t = queue.shift())
      await attempt(t, () => t.run(folder, gateway));
  };
  await Promise.all(Array.from({ length: CASES_AT_ONCE }, worker));
}

// Runs the cases whose name holds one of `only` (all when there are none), in `folder`, and tells `tally` of each.
export async function runAll(binary, folder, only, tally) {
  const all = agents.flatMap((agent) =>
    wires.flatMap((wire) => tasks.map((task, i) => new Case(agent, wire, task, i))),
  );
  const list = all.filter((t) => only.length === 0 || only.some((word) => t.name.includes(word)));
  assert(list.length > 0, 'no case has such a name');

  const simulator = new Child(binary, ['simulate', '--listen', '127.0.0.1:0'], process.env);
  const simulatorAt = await simulator.address();
  const settings = {
    client_keys: [{ name: 'agent-tests', key: CLIENT_KEY }],
    proxy: { scheduling: { queue_wait_seconds: 0 } },
    logs: { access: 'file' },
    accounts: list.map((t) => t.account(simulatorAt)),
  };
  writeFileSync(join(folder, 'gui_config.json'), JSON.stringify(settings, null, 2), { mode: 0o600 });
  const env = { ...process.env, HOME: folder };
  const gateway = new Child(binary, ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0'], env);

  const gatewayAt = await gateway.address();
  const streams = new Streams(binary);
  const caseOf = (model) => {
    const t = list.find((one) => one.model === model);
    return t && { name: t.name, passed: t.wire === t.agent.wire };
  };
  await runCases(list, folder, await tap(gatewayAt, streams, caseOf));

  const counters = await countersOf(gatewayAt, folder);
  const records = await recordsOf(simulatorAt);
  const ends = [];
  for (const child of [gateway, simulator]) ends.push({ child, how: await child.stop() });
  const lines = accessLog(folder);
  for (const t of list) {
    await attempt(t, () => t.checkRecords(records));
    await attempt(t, () => t.checkLog(lines));
    tally.note(t.name, t.fault);
  }
  // what a client of a WebSocket only tells in advance needs no account
  const told = lines.filter((line) => line.status === 200 && line.attempt_count === 0);
  if (list.some((t) => t.name.startsWith('codex-websocket')))
    tally.check('codex-websocket speaks over its WebSocket', () => assert(told.length > 0));
  const broken = await streams.check();
  tally.check('every stream keeps to the grammar of its protocol', () => assert.equal(broken, ''));
  // what is refused before an account is picked: for its form it is in the log, for its key or path it is counted
  tally.check('the gateway refused nothing', () => {
    const known = new Set(list.map((t) => t.id));
    assert.deepEqual(lines.filter((line) => !known.has(line.account) && !told.includes(line)), []);
    const bad = ([name, count]) => /^(refused|failed|left$)/.test(name) && count > 0;
    assert.deepEqual(Object.entries(counters).filter(bad), []);
  });
  for (const { child, how } of ends)
    tally.check(`penstock ${child.name} ends well when it is told to`, () => assert.equal(how, 0, child.log));
}
