// harness.mjs - named cases with a tally, and pages that watch themselves: console, foreign requests, accessibility, overflow.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const CASE_LIMIT_MS = 180_000;
const WAIT_MS = 20_000; // a machine may be busy
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const cases = [];

// Calls that the gateway does not have yet: their pages say so.
const ABSENT = /status of (404|501).*\/api\/tunnels/;

// How the dashboard is looked at: each case runs in every look, unless it names its own.
export const LOOKS = ['light', 'dark'].flatMap((theme) => [390, 1280, 1920].map((width) => ({ theme, width })));

// `smoke` cases run in `make test`, too, in one look, or in those of the list.
export function test(name, run, { smoke = false, looks = LOOKS } = {}) {
  const first = smoke === true ? [looks.find((l) => l.width === 1280) ?? looks[0]] : smoke || [];
  for (const look of looks) cases.push({ name: `${name} [${look.theme} ${look.width}]`, run, look, smoke: first.some((l) => l.theme === look.theme && l.width === look.width) });
}

export function assert(condition, text) {
  if (!condition) throw new Error(text);
}

export function equal(got, wanted, text = '') {
  if (got !== wanted) throw new Error(`${text}\n  got    ${JSON.stringify(got)}\n  wanted ${JSON.stringify(wanted)}`);
}

export async function until(condition, text, ms = WAIT_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`timed out: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

// --- a page that watches itself -----------------------------------------------------------------------------------------

export class Watched {
  static async open(browser, rig, { theme = 'light', width = 1280, height, login = true, base, locale = 'en' } = {}) {
    const w = new Watched();
    w.rig = rig;
    w.base = base ?? rig.base;
    w.look = `${theme}-${width}`;
    w.narrow = width < 900;
    w.faults = [];
    w.expected = [ABSENT];
    w.context = await browser.newContext({
      viewport: { width, height: height ?? (width < 600 ? 844 : width > 1500 ? 1080 : 800) },
      colorScheme: theme,
      locale,
      reducedMotion: 'reduce',
    });
    w.page = await w.context.newPage();
    w.page.setDefaultTimeout(WAIT_MS);
    w.page.on('console', (m) => m.type() === 'error' && w.fault(`console: ${m.text()} (${m.location().url})`));
    w.page.on('pageerror', (e) => w.fault(`error: ${e.stack ?? e}`));
    w.page.on('request', (r) => {
      if (!r.url().startsWith(`${w.base}/`) && !r.url().startsWith('data:') && !r.url().startsWith('blob:')) w.fault(`a request left the host: ${r.url()}`);
    });
    if (login) {
      const link = await rig.link();
      await w.page.goto(link.replace(rig.base, w.base));
      await w.page.waitForSelector('.frame');
    }
    return w;
  }

  fault(text) {
    if (!this.expected.some((e) => e.test(text))) this.faults.push(text);
  }

  // What the case makes happen on purpose.
  expect(pattern) {
    this.expected.push(pattern);
  }

  async go(path) {
    await this.page.goto(`${this.base}/${path}`);
    await this.page.waitForSelector('.frame');
    await this.settle();
  }

  // Until nothing is loading any more.
  async settle() {
    const ready = () => this.page.evaluate(() => !document.querySelector('.skeleton, #app > .login[aria-busy]') && document.querySelector('main')?.childElementCount > 0);
    await until(ready, 'the page is loaded');
    await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }

  async axe(where) {
    await this.page.evaluate(axeSource);
    const found = await this.page.evaluate(async () => {
      const { violations } = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] });
      return violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.slice(0, 4).map((n) => `      ${n.html.slice(0, 160)}  ${n.failureSummary.split('\n').slice(1, 3).join(' ').trim()}`).join('\n')}`);
    });
    assert(found.length === 0, `axe, ${where}:\n    ${found.join('\n    ')}`);
  }

  // Nothing sticks out of the window, no text is cut that should not be.
  async fits(where) {
    const wide = await this.page.evaluate(() => {
      const out = [];
      if (document.documentElement.scrollWidth > innerWidth) out.push(`the document is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
      for (const el of document.querySelectorAll('main *, .side *, header *, dialog *')) {
        const r = el.getBoundingClientRect();
        if (r.width === 0 || r.height === 0 || el.closest('.sr, .scroll-x, .copy, [aria-hidden=true], .clip, svg, .side:not(.open)')) continue;
        if (r.right > innerWidth + 1 && getComputedStyle(el).position !== 'fixed') out.push(`${el.tagName}.${el.className} ends at ${Math.round(r.right)} of ${innerWidth}: ${el.textContent.slice(0, 40)}`);
      }
      for (const el of document.querySelectorAll('button, .chip, .tile b, h1, h2, label')) {
        if (el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).display !== 'inline' && !el.matches('.clip, .sr, .clip *, .switch') && el.clientWidth > 0) out.push(`the text of ${el.tagName}.${el.className} is cut: ${el.textContent.slice(0, 40)}`);
      }
      return out.slice(0, 6);
    });
    assert(wide.length === 0, `${where}:\n    ${wide.join('\n    ')}`);
  }

  // Into the folder of the look.
  async shot(name) {
    if (!Watched.shots) return;
    const folder = join(Watched.shots, this.look);
    mkdirSync(folder, { recursive: true });
    await this.page.bringToFront(); // a page behind another one may not be drawn
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  // Copies with this button; the clipboard is one for all cases that run side by side.
  static clipboard = Promise.resolve();

  async copies(button, wanted) {
    const copy = async () => {
      await button.click();
      await until(async () => (await this.page.evaluate(() => navigator.clipboard.readText())).trim() === wanted, `copied: ${wanted}`);
    };
    const done = Watched.clipboard.then(copy);
    Watched.clipboard = done.catch(() => undefined);
    return done;
  }

  // What stands at the side is behind a button on a narrow screen.
  async side() {
    if (this.narrow && !(await this.page.locator('.side.open').count())) await this.page.getByRole('button', { name: 'Pages' }).click();
    return this.page.locator('#side');
  }

  async close() {
    if (this.closed) return;
    this.closed = true;
    await this.context.close();
    assert(this.faults.length === 0, this.faults.slice(0, 6).join('\n    '));
  }
}

// --- the run ------------------------------------------------------------------------------------------------------------

// What a case is given; ended() stops what it opened and tells what its pages saw.
function world({ program, browser, Rig, shared }, look) {
  const rigs = [];
  const pages = [];
  return {
    look,
    start: async (settings) => {
      const rig = await Rig.start(program, settings);
      rigs.push(rig);
      return rig;
    },
    open: async (rig, options) => {
      const w = await Watched.open(browser, rig, { ...look, ...options });
      pages.push(w);
      return w;
    },
    // one for all cases that ask for it by this name
    shared: (name, settings, prepare) => {
      if (!shared.has(name))
        shared.set(
          name,
          Rig.start(program, settings).then(async (rig) => {
            await prepare(rig);
            return rig;
          }),
        );
      return shared.get(name);
    },
    ended: async () => {
      const faults = [];
      for (const w of pages) await w.close().catch((error) => faults.push(error.message));
      for (const rig of rigs) await rig.stop();
      if (faults.length > 0) throw new Error(faults.join('\n    '));
    },
  };
}

async function runOne(t, context) {
  const w = world(context, t.look);
  let late;
  try {
    await Promise.race([t.run(w), new Promise((_, reject) => (late = setTimeout(() => reject(new Error(`it took longer than ${CASE_LIMIT_MS / 1000} s`)), CASE_LIMIT_MS)))]);
  } catch (error) {
    await w.ended().catch((seen) => (error.message += `\n    the page saw: ${seen.message}`));
    throw error;
  } finally {
    clearTimeout(late);
  }
  await w.ended();
}

// Cases run side by side, `atOnce` of them: most of their time they wait.
export async function run({ words, smoke, atOnce, context }) {
  const list = cases.filter((t) => (!smoke || t.smoke) && (words.length === 0 || words.some((w) => t.name.includes(w))));
  const shared = new Map();
  let next = 0;
  let passed = 0;
  let failed = 0;
  const work = async () => {
    while (next < list.length) {
      const t = list[next++];
      const began = Date.now();
      try {
        await runOne(t, { ...context, shared });
        passed++;
        if (!smoke) console.log(`ok      ${t.name} (${Date.now() - began} ms)`);
      } catch (error) {
        failed++;
        console.log(`FAILED  ${t.name}\n    ${error.message}\n    ${String(error?.stack ?? error).split('\n').slice(1, 8).join('\n    ')}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  for (const rig of shared.values()) await rig.then((r) => r.stop(), () => undefined);
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : 0;
}
