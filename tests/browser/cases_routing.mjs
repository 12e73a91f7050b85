// /routing: scheduling, the editors, the dry run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, equal, test, until } from './harness.mjs';
import { accountsOf, seed } from './rig.mjs';

const settings = (simulator) => ({ accounts: accountsOf(simulator), proxy: { scheduling: { queue_wait_seconds: 0 } } });
const onDisk = (rig) => JSON.parse(readFileSync(join(rig.folder, 'gui_config.json'), 'utf8'));

test('routing: mode, waits, fixed account, bindings', async ({ start, open }) => {
  const rig = await start(settings);
  await seed(rig);
  const w = await open(rig);
  w.expect(/status of 400/);
  await w.go('routing');
  const scheduling = async () => (await rig.admin('GET', 'api/scheduling')).body;
  await w.page.getByRole('radio', { name: /^Cache first/ }).check();
  await until(async () => (await scheduling()).mode === 'CacheFirst', 'the mode');
  const wait = w.page.getByLabel('Longest wait, cache first');
  await wait.fill('-3');
  await wait.press('Enter');
  await w.page.getByText('A whole number is wanted').waitFor();
  await wait.fill('99999999');
  await wait.press('Enter');
  await w.page.locator('.card', { hasText: 'Account Scheduling' }).getByRole('alert').waitFor();
  await wait.fill('30');
  await wait.press('Enter');
  await until(async () => (await scheduling()).max_wait_seconds === 30, 'the wait');
  await w.page.getByLabel('Fixed Account Mode').selectOption('work');
  await until(async () => (await scheduling()).fixed_account?.label === 'work', 'fixed');
  await w.page.getByLabel('Fixed Account Mode').selectOption('None');
  await until(async () => (await scheduling()).fixed_account === null, 'not fixed');
  assert((await scheduling()).bindings > 0, 'conversations are bound');
  await w.page.getByRole('button', { name: 'Clear bindings' }).click();
  await w.page.getByRole('dialog').getByRole('button', { name: 'Clear bindings' }).click();
  await until(async () => (await scheduling()).bindings === 0, 'cleared');
});

test('routing: a mode that is chosen stays chosen while the page is drawn anew', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.go('routing');
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await w.page.route('**/api/scheduling', async (route) => {
    if (route.request().method() === 'PATCH') await held;
    await route.continue();
  });
  const mode = w.page.getByRole('radio', { name: /^Cache first/ });
  await mode.click();
  await w.page.getByLabel('Longest wait, cache first').fill('60'); // draws the card
  await w.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert(await mode.isChecked(), 'what was chosen was taken back');
  release();
  await until(async () => (await rig.admin('GET', 'api/scheduling')).body.mode === 'CacheFirst', 'the mode');
});

test('routing: mapping, a flow and an account route, made, ordered, undone, saved', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  w.expect(/status of 400/);
  await w.go('routing');
  // a mapping
  await w.page.getByRole('button', { name: 'Add mapping' }).click();
  await w.page.getByRole('combobox', { name: 'Asked for' }).fill('gpt-4o*');
  await w.page.getByRole('combobox', { name: 'Becomes' }).fill('route:fast');
  // a flow of two entries
  await w.page.getByRole('button', { name: 'Add flow' }).click();
  await w.page.getByRole('textbox', { name: 'Name of the flow' }).fill('fast');
  const flows = w.page.locator('.card', { hasText: 'Named lists' });
  await flows.getByRole('combobox', { name: 'Provider' }).selectOption('Gemini');
  await w.page.getByRole('button', { name: 'Save' }).click();
  await flows.getByText('Needed').waitFor();
  await w.axe('an entry with a fault');
  await w.shot('routing-fault');
  await flows.getByRole('combobox', { name: 'Model' }).fill('gemini-3-flash');
  await flows.getByRole('button', { name: 'Add entry' }).click();
  await flows.getByRole('combobox', { name: 'Model' }).nth(1).fill('claude-haiku-4-5');
  await flows.getByRole('combobox', { name: 'Account' }).nth(1).selectOption('ben@example.com');
  await flows.getByRole('button', { name: 'Conditions' }).nth(1).click();
  await flows.getByLabel('Images').selectOption('without');
  // order by keys
  await flows.getByRole('button', { name: 'Move gemini-3-flash', exact: true }).focus();
  await w.page.keyboard.press('ArrowDown');
  const order = () => flows.getByRole('combobox', { name: 'Model' }).evaluateAll((list) => list.map((i) => i.value).join());
  await until(async () => (await order()) === 'claude-haiku-4-5,gemini-3-flash', 'moved down');
  equal(await w.page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Move gemini-3-flash', 'the focus moves along');
  // undone, and dragged back
  await w.page.getByRole('button', { name: 'Undo' }).click();
  await until(async () => (await order()) === 'gemini-3-flash,claude-haiku-4-5', 'undone');
  const grip = (name) => flows.getByRole('button', { name: `Move ${name}`, exact: true });
  await grip('gemini-3-flash').evaluate((el) => el.scrollIntoView({ block: 'center' }));
  const handle = await grip('gemini-3-flash').boundingBox();
  await w.page.mouse.move(handle.x + 8, handle.y + 12);
  await w.page.mouse.down();
  await w.page.mouse.move(handle.x + 8, handle.y + 60, { steps: 4 });
  // the page scrolls along where the list is longer than the window
  await w.page.mouse.move(handle.x + 8, (await w.page.evaluate(() => innerHeight)) - 20, { steps: 6 });
  await until(async () => (await order()) === 'claude-haiku-4-5,gemini-3-flash', 'dragged down');
  await w.page.mouse.up();
  // an account route
  await w.page.getByRole('button', { name: 'Add account route' }).click();
  const routes = w.page.locator('.card', { hasText: 'For one model' });
  await routes.getByRole('combobox', { name: 'Model' }).fill('claude-sonnet-5');
  for (const [i, label] of ['work', 'ben@example.com'].entries()) {
    await routes.getByRole('button', { name: 'Add account', exact: true }).click();
    await routes.getByRole('combobox', { name: 'Account' }).nth(i).selectOption(label);
  }
  await routes.getByRole('radio', { name: 'Rotate' }).click();
  await routes.getByRole('switch', { name: 'Smart Switch' }).click();
  await w.shot('routing-editors');
  await w.axe('the editors');
  await w.fits('the editors');
  await w.page.getByRole('button', { name: 'Save' }).click();
  await w.page.getByText('Changes are not saved yet').waitFor({ state: 'detached' });
  const { proxy, routing } = onDisk(rig);
  equal(proxy.custom_mapping['gpt-4o*'], 'route:fast');
  equal(routing.flows.fast.entries.map((e) => e.model).join(), 'claude-haiku-4-5,gemini-3-flash');
  equal(routing.flows.fast.entries[0].when.images, false);
  equal(JSON.stringify(routing.accounts['claude-sonnet-5'].entries), '["work","ben@example.com"]');
  equal(routing.accounts['claude-sonnet-5'].order, 'rotate');
  equal(routing.accounts['claude-sonnet-5'].smart_switch, false);
  // what would happen
  await w.page.getByLabel('Model', { exact: true }).first().fill('gpt-4o-mini');
  await w.page.getByRole('button', { name: 'Find out' }).click();
  await w.page.locator('.path').getByText('flow fast').waitFor();
  await w.page.locator('.path').getByText('ben@example.com').waitFor();
  await w.shot('routing-explain');
  await w.axe('a dry run');
  // a circle is refused at its place
  await flows.getByRole('button', { name: 'Add flow' }).click();
  await flows.getByRole('textbox', { name: 'Name of the flow' }).nth(1).fill('circle');
  await flows.locator('.route').nth(1).getByRole('button', { name: 'Remove 1', exact: true }).click();
  await flows.locator('.route').nth(1).getByRole('button', { name: 'Add another flow' }).click();
  await flows.getByRole('combobox', { name: 'Flow' }).selectOption('fast');
  await flows.locator('.route').nth(0).getByRole('button', { name: 'Add another flow' }).click();
  await until(async () => (await flows.getByRole('combobox', { name: 'Flow' }).count()) === 2, 'both name a flow');
  await flows.getByRole('combobox', { name: 'Flow' }).first().selectOption('circle');
  await w.page.getByRole('button', { name: 'Save' }).click();
  await w.page.getByText('Not saved: see the marked fields').waitFor();
  await flows.getByRole('alert').first().waitFor();
  await w.shot('routing-circle');
  await w.page.getByRole('button', { name: 'Discard' }).click();
  await w.page.getByText('Changes are not saved yet').waitFor({ state: 'detached' });
});

test('routing: somebody else changes it meanwhile', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  w.expect(/status of 409/);
  await w.go('routing');
  await w.page.getByRole('button', { name: 'Add mapping' }).click();
  await w.page.getByRole('combobox', { name: 'Asked for' }).fill('a');
  await w.page.getByRole('combobox', { name: 'Becomes' }).fill('b');
  equal((await rig.admin('PUT', 'api/routing', { mapping: { c: 'd' } })).status, 200);
  await w.page.getByRole('button', { name: 'Save' }).click();
  await w.page.getByText('Somebody else changed this meanwhile').waitFor();
});

test('routing: presets and background tasks; what somebody wrote beside routes stays', async ({ start, open }) => {
  const written = {
    flows: { quick: { comment: 'for tests', entries: [{ model: 'gpt-5.6', provider: 'openai', comment: ['the best'] }] } },
    accounts: { 'gpt-5.6': { owner: 'ops', entries: ['work', { account: 'spare', comment: 'last' }], order: 'rotate', smart_switch: false } },
  };
  const rig = await start((simulator) => ({ ...settings(simulator), routing: written }));
  const w = await open(rig);
  await w.go('routing');
  await w.page.getByRole('button', { name: 'Presets' }).click();
  await w.page.getByRole('menuitem').first().click();
  await w.page.getByRole('switch', { name: 'Background tasks' }).click();
  await w.page.getByRole('combobox', { name: 'Model for them' }).fill('gemini-3-flash');
  await w.page.getByRole('button', { name: 'Save' }).click();
  await w.page.getByText('Changes are not saved yet').waitFor({ state: 'detached' });
  const { proxy, routing } = onDisk(rig);
  assert(Object.keys(proxy.custom_mapping).length > 0, 'the preset is in the file');
  equal(routing.background.enabled, true);
  const same = (a, b) => JSON.stringify(a, Object.keys(a).sort()) === JSON.stringify(b, Object.keys(b).sort());
  for (const list of ['flows', 'accounts']) for (const [name, route] of Object.entries(written[list])) assert(same(routing[list][name], route) && JSON.stringify(routing[list][name].entries) === JSON.stringify(route.entries), `${list} ${name}: ${JSON.stringify(routing[list][name])}`);
});
