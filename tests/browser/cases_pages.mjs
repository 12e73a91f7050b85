// Every page, in light and dark, on a phone, a laptop and a large screen: nothing sticks out, axe is content, nobody is asked but the gateway.
import { Watched, assert, test, until } from './harness.mjs';
import { Rig, accountsOf, seed } from './rig.mjs';

export const PAGES = ['quota', 'routing', 'logs', 'usage', 'connect', 'remote-panel', 'settings'];

let shared = null;

// One gateway with something to see, for all cases of this file.
async function busy(program) {
  shared ??= (async () => {
    const rig = await Rig.start(program, (simulator) => ({ accounts: accountsOf(simulator), proxy: { scheduling: { queue_wait_seconds: 0 } } }));
    rig.shared = true;
    await seed(rig);
    return rig;
  })();
  return shared;
}

for (const theme of ['light', 'dark'])
  for (const width of [390, 1280, 1920])
    test(
      `pages, ${theme}, ${width} px`,
      async ({ program, browser }) => {
        const rig = await busy(program);
        const w = await Watched.open(browser, rig, { theme, width });
        for (const page of PAGES) {
          await w.go(page);
          await w.page.waitForTimeout(150);
          await w.shot(`${page}-${theme}-${width}`);
          await w.fits(`${page} at ${width}`);
          await w.axe(`${page}, ${theme}, ${width}`);
        }
        await w.close();
      },
      { smoke: (theme === 'dark' && width === 1280) || (theme === 'light' && width === 390) },
    );

test('pages, empty gateway', async ({ program, browser }) => {
  const rig = await Rig.start(program, {});
  const w = await Watched.open(browser, rig, { width: 1280 });
  for (const page of PAGES) {
    await w.go(page);
    await w.shot(`empty-${page}`);
    await w.fits(`${page}, empty`);
    await w.axe(`${page}, empty`);
  }
  await w.close();
  await rig.stop();
});

test('pages in every language at 360 px', async ({ program, browser }) => {
  const rig = await busy(program);
  for (const locale of ['zh-CN', 'ja', 'ko', 'pt-BR']) {
    const w = await Watched.open(browser, rig, { width: 360, locale });
    const language = locale === 'pt-BR' ? 'pt' : locale;
    for (const page of PAGES) {
      await w.go(page);
      assert((await w.page.getAttribute('html', 'lang')) === language, `${page}: the page is in ${language}`);
      await w.shot(`${page}-${language}-360`);
      await w.fits(`${page} in ${language}`);
    }
    await w.close();
  }
});

test('pages at 3840 px, compact', async ({ program, browser }) => {
  const rig = await busy(program);
  const w = await Watched.open(browser, rig, { width: 3840, height: 2160, theme: 'dark' });
  await w.page.getByRole('button', { name: 'Compact' }).click();
  for (const page of PAGES) {
    await w.go(page);
    assert((await w.page.getAttribute('html', 'data-density')) === 'compact', 'the density is kept');
    await w.shot(`${page}-compact-3840`);
    await w.fits(`${page} at 3840`);
  }
  await w.close();
});

for (const how of ['fails', 'does not come'])
  test(`pages, what they ask for ${how}`, async ({ program, browser }) => {
    const rig = await busy(program);
    const w = await Watched.open(browser, rig, { width: 390 });
    w.expect(/status of 500/);
    const held = [];
    await w.page.route(/\/api\/(?!session)/, (route) => (how === 'fails' ? route.fulfill({ status: 500, contentType: 'application/json', body: '{"error":{"message":"the database is gone"}}' }) : held.push(route)));
    for (const page of PAGES) {
      await w.page.goto(`${rig.base}/${page}`);
      const told = how === 'fails' ? w.page.getByText('the database is gone') : w.page.locator('.skeleton');
      await told.first().waitFor();
      if (how === 'fails') await until(async () => (await w.page.locator('.skeleton').count()) === 0, `${page} does not pretend to load`);
      await w.shot(`${how === 'fails' ? 'failed' : 'loading'}-${page}`);
      await w.fits(`${page}, ${how}`);
      await w.axe(`${page}, ${how}`);
    }
    await w.page.unrouteAll({ behavior: 'ignoreErrors' });
    await w.close();
  });

test('pages, the last of it', async () => {
  if (shared) await (await shared).stop();
  shared = null;
}, { smoke: true });
