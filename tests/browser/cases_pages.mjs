// Every page, in light and dark, on a phone, a laptop and a large screen: nothing sticks out, axe is content, nobody is asked but the gateway.
import { assert, test, until } from './harness.mjs';
import { accountsOf, seed } from './rig.mjs';

export const PAGES = ['quota', 'routing', 'logs', 'usage', 'connect', 'remote-panel', 'settings'];

// One gateway with something to see, for all cases of this file.
const busy = (shared) => shared('busy', (simulator) => ({ accounts: accountsOf(simulator), proxy: { scheduling: { queue_wait_seconds: 0 } } }), seed);

test(
  'pages',
  async ({ shared, open, look }) => {
    const rig = await busy(shared);
    const w = await open(rig);
    for (const page of PAGES) {
      await w.go(page);
      await w.page.waitForTimeout(150);
      await w.shot(page);
      await w.fits(`${page} at ${look.width}`);
      await w.axe(page);
    }
  },
  { smoke: [{ theme: 'light', width: 390 }, { theme: 'dark', width: 1280 }] },
);

test('pages, empty gateway', async ({ start, open }) => {
  const rig = await start({});
  const w = await open(rig);
  for (const page of PAGES) {
    await w.go(page);
    await w.shot(`empty-${page}`);
    await w.fits(`${page}, empty`);
    await w.axe(`${page}, empty`);
  }
});

for (const locale of ['zh-CN', 'ja', 'ko', 'pt-BR']) {
  const language = locale === 'pt-BR' ? 'pt' : locale;
  test(
    `pages in ${language}`,
    async ({ shared, open }) => {
      const rig = await busy(shared);
      const w = await open(rig, { locale });
      for (const page of PAGES) {
        await w.go(page);
        assert((await w.page.getAttribute('html', 'lang')) === language, `${page}: the page is in ${language}`);
        await w.shot(`${page}-${language}`);
        await w.fits(`${page} in ${language}`);
      }
    },
    { looks: [{ theme: 'light', width: 360 }, { theme: 'dark', width: 1280 }] },
  );
}

test(
  'pages, compact',
  async ({ shared, open }) => {
    const rig = await busy(shared);
    const w = await open(rig);
    await w.page.getByRole('button', { name: 'Compact' }).click();
    for (const page of PAGES) {
      await w.go(page);
      assert((await w.page.getAttribute('html', 'data-density')) === 'compact', 'the density is kept');
      await w.shot(`${page}-compact`);
      await w.fits(page);
    }
  },
  { looks: [{ theme: 'light', width: 1280 }, { theme: 'light', width: 3840 }, { theme: 'dark', width: 3840 }] },
);

for (const how of ['fails', 'does not come'])
  test(`pages, what they ask for ${how}`, async ({ shared, open }) => {
    const rig = await busy(shared);
    const w = await open(rig);
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
  });
