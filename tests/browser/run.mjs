#!/usr/bin/env node
// The dashboard in Debian's Chromium, served by the real binary. usage: run.mjs PENSTOCK [--smoke] [--at-once=N] [WORD…]
// Screenshots go to build/screenshots, a folder for each colour and width (PENSTOCK_SCREENSHOTS names another place); none are made by --smoke.
import { resolve } from 'node:path';
import { Watched, run } from './harness.mjs';
import { Rig, openBrowser } from './rig.mjs';
import './cases_pages.mjs';
import './cases_accounts.mjs';
import './cases_signin.mjs';
import './cases_logs.mjs';
import './cases_routing.mjs';
import './cases_rest.mjs';
import './cases_session.mjs';
import './cases_first.mjs';

const [program, ...rest] = process.argv.slice(2);
const smoke = rest.includes('--smoke');
const atOnce = Number(rest.find((w) => w.startsWith('--at-once='))?.slice(10) ?? 3);
const words = rest.filter((w) => !w.startsWith('--'));
if (!program) {
  console.log('usage: run.mjs PENSTOCK [--smoke] [--at-once=N] [WORD…]');
  process.exit(2);
}
Watched.shots = smoke ? null : process.env.PENSTOCK_SCREENSHOTS ?? resolve(new URL('../../build/screenshots', import.meta.url).pathname);
const browser = await openBrowser();
const context = { program: resolve(program), browser, Rig };
process.on('unhandledRejection', () => {}); // of a request that a failed case left behind
let code = 1;
try {
  code = await run({ words, smoke, atOnce, context });
} finally {
  await browser.close();
}
process.exit(code);
