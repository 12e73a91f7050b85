// The first minute of somebody who has never seen this: start, link, account, client, request, reason.
import { assert, equal, test, until } from './harness.mjs';

test(
  'first: from an empty gateway to an answered request and its reason',
  async ({ start, open }) => {
    const rig = await start({});
    const began = Date.now();
    const w = await open(rig);
    await w.page.getByRole('heading', { name: 'Get started' }).waitFor();
    await w.page.getByText('answered by the built-in simulator').waitFor();
    await w.shot('first-1');
    await w.page.locator('.guide').getByRole('button', { name: 'Add account' }).click();
    const dialog = w.page.getByRole('dialog');
    await dialog.getByRole('button', { name: /^Anthropic/ }).click();
    await dialog.getByLabel('Name').fill('work');
    await dialog.getByLabel('API key').fill('key-work');
    await dialog.getByText('More options').click();
    await dialog.getByLabel('Another address').fill(rig.simulator.address);
    await dialog.getByRole('button', { name: 'Add account' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await w.page.getByRole('article', { name: 'work' }).waitFor();
    await w.page.getByText('answered by the built-in simulator').waitFor({ state: 'detached' });
    // the settings of Claude Code are copied, and hold what a client needs
    const block = w.page.locator('.guide .copy').first();
    const text = await block.locator('pre').innerText();
    assert(text.includes('ANTHROPIC_BASE_URL') && text.includes(rig.base), `settings of Claude Code: ${text}`);
    await w.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await w.copies(block.getByRole('button', { name: 'Copy' }), text.trim());
    await w.page.locator('.toast', { hasText: 'Copied' }).waitFor();
    await w.shot('first-2');
    // the client asks
    const answer = await rig.ask('claude-sonnet-5', 'Hello there', { session: 'first' });
    equal(answer.status, 200);
    equal(answer.headers.get('x-account-email'), 'work');
    await w.page.getByText('was answered by work').waitFor();
    await w.shot('first-3');
    await w.page.getByRole('link', { name: 'See why' }).click();
    await until(() => w.page.url().includes('/logs'), 'the logs');
    const drawer = w.page.getByRole('dialog');
    await drawer.getByText('Attempts').waitFor();
    await drawer.getByText(/work/).first().waitFor();
    assert((await drawer.locator('.explain').innerText()).length > 40, 'the reason in sentences');
    assert(Date.now() - began < 60_000, 'in under a minute');
    await w.shot('first-4');
  },
  { smoke: true },
);
