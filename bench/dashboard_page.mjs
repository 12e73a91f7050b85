#!/usr/bin/env node
// What one open dashboard costs its browser: 200 accounts, 100 requests a second. usage: node bench/dashboard_page.mjs PENSTOCK [SECONDS]
// Thread time of the page's main thread is counted, so that other load on the machine does not change it. Needs tests/browser's packages.
import { Rig, openBrowser } from '../tests/browser/rig.mjs';

const [program, seconds = '10'] = process.argv.slice(2);
const RATE = 100;
const ACCOUNTS = 200;
const rig = await Rig.start(program, (simulator) => ({
  proxy: { scheduling: { mode: 'PerformanceFirst' } },
  accounts: Array.from({ length: ACCOUNTS }, (_, i) => ({ label: `account-${i}`, provider: 'anthropic', base_url: simulator, api_key: `key-${i}` })),
}));
const browser = await openBrowser();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
const page = await context.newPage();
const tools = await context.newCDPSession(page);
await tools.send('Performance.enable', { timeDomain: 'threadTicks' });
await tools.send('Network.enable');
let received = 0;
const files = new Set();
tools.on('Network.responseReceived', (e) => ['Document', 'Script', 'Stylesheet', 'Image'].includes(e.type) && files.add(e.requestId));
tools.on('Network.loadingFinished', (e) => files.has(e.requestId) && (received += e.encodedDataLength));

let sent = 0;
let wrong = 0;
const load = setInterval(() => {
  for (let i = 0; i < RATE / 20; i++) {
    sent++;
    rig.ask('claude-sonnet-5', 'Hello there', { session: `s${sent % 500}` }).then((a) => (wrong += a.status !== 200), () => wrong++);
  }
}, 50);

// The page itself notes when its first row or card came: asking it from outside comes late on a busy machine.
await page.addInitScript(() => {
  const look = new MutationObserver(() => {
    if (!document.querySelector('main .line:not(.head), main .card')) return;
    window.shownAt = performance.now();
    look.disconnect();
  });
  look.observe(document, { childList: true, subtree: true });
});
const taskSeconds = async () => (await tools.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value;
const rows = [];
await page.goto(await rig.link());
await page.waitForSelector('.line, .card');
for (const path of ['quota', 'logs', 'routing', 'usage']) {
  received = 0;
  await tools.send('Network.setCacheDisabled', { cacheDisabled: true });
  const idle = await taskSeconds();
  await page.goto(`${rig.base}/${path}`);
  await page.waitForSelector('main .line:not(.head), main .card');
  const loaded = await taskSeconds();
  const work = (loaded < idle ? loaded : loaded - idle) * 1000; // another process of the browser counts anew
  const first = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0);
  const shown = await page.evaluate(() => window.shownAt);
  const bytes = received;
  await page.waitForTimeout(1500);
  const before = await taskSeconds();
  const began = Date.now();
  const sentBefore = sent;
  await page.waitForTimeout(Number(seconds) * 1000);
  const passed = (Date.now() - began) / 1000;
  rows.push([path, first, shown, work, bytes, ((await taskSeconds()) - before) * 1000 / passed, (sent - sentBefore) / passed]);
}
clearInterval(load);
console.log('| Page | first paint, ms | shown, ms | main thread until then, ms | files, KB | main thread, ms of each second | requests/s |\n| --- | --- | --- | --- | --- | --- | --- |');
for (const [path, first, shown, work, bytes, ms, rate] of rows) console.log(`| /${path} | ${first.toFixed(0)} | ${shown.toFixed(0)} | ${work.toFixed(0)} | ${(bytes / 1000).toFixed(0)} | ${ms.toFixed(0)} | ${rate.toFixed(0)} |`);
console.log(`\n${sent} requests sent, ${wrong} not answered well`);
await browser.close();
await rig.stop();
process.exit(0);
