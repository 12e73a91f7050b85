// /usage, /settings with client keys and the password, /connect, /remote-panel.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, equal, test, until } from './harness.mjs';
import { PAGES } from './cases_pages.mjs';
import { accountsOf, seed } from './rig.mjs';

const settings = (simulator) => ({ accounts: accountsOf(simulator), proxy: { scheduling: { queue_wait_seconds: 0 } } });

test('usage: sums, breakdown, filter, CSV', async ({ start, open }) => {
  const rig = await start(settings);
  await seed(rig);
  const { total } = (await until(async () => {
    const got = await rig.admin('GET', 'api/usage?by=hour&from=24h');
    return got.body.total.requests >= 25 && got;
  }, 'usage is written')).body;
  const w = await open(rig);
  await w.go('usage');
  const tile = (name) => w.page.locator('.tile', { hasText: name }).locator('b').first();
  equal(await tile('Requests').textContent(), String(total.requests));
  equal(await tile('Generated tokens').textContent(), String(total.tokens_out));
  await until(() => w.page.locator('canvas').evaluate((c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v !== 0)), 'something is drawn');
  await w.page.getByRole('radio', { name: 'Account' }).click();
  await w.page.getByRole('cell', { name: 'ben@example.com' }).waitFor();
  await w.page.getByRole('radio', { name: 'Model' }).click();
  await w.page.getByRole('button', { name: 'gemini-3-pro' }).click();
  await until(async () => (await tile('Requests').textContent()) === '4', 'only four of this model');
  await w.page.getByRole('button', { name: /^Only gemini-3-pro/ }).click();
  await until(async () => (await tile('Requests').textContent()) === String(total.requests), 'all again');
  const [download] = await Promise.all([w.page.waitForEvent('download'), w.page.getByRole('link', { name: 'Export CSV' }).click()]);
  const text = readFileSync(await download.path(), 'utf8');
  assert(/^hour,.*requests/.test(text), `a CSV with a head: ${text.slice(0, 80)}`);
  for (const range of ['7 days', '30 days', '90 days']) {
    await w.page.getByRole('radio', { name: range }).click();
    await w.settle();
  }
  await w.page.getByRole('radio', { name: 'Requests' }).click();
  await w.shot('usage-requests');
});

test('usage: prices are seen, set, and removed', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.go('usage');
  await w.page.getByRole('button', { name: 'Prices' }).click();
  const list = w.page.getByRole('dialog', { name: 'Prices' });
  await list.getByRole('row').nth(2).waitFor();
  await w.axe('the prices');
  await list.getByRole('button', { name: 'Add a price' }).click();
  const form = w.page.getByRole('dialog', { name: 'Add a price' });
  await form.getByLabel('Model').fill('gpt-5.6*');
  await form.getByLabel('Prompt', { exact: true }).fill('cheap');
  await form.getByLabel('Prompt', { exact: true }).press('Enter');
  await form.getByText('Dollars are wanted').first().waitFor();
  await w.axe('a price with a fault');
  await form.getByLabel('Prompt', { exact: true }).fill('1.25');
  await form.getByLabel('Generated').fill('10');
  await form.getByLabel('Provider').selectOption('openai');
  await form.getByLabel('Generated').press('Enter');
  await form.waitFor({ state: 'detached' });
  const row = list.getByRole('row', { name: /gpt-5\.6\*/ });
  await row.getByText('$1.25').waitFor();
  await w.shot('prices');
  await w.fits('prices');
  const own = async () => (await rig.admin('GET', 'api/prices')).body.prices.find((p) => p.declared_in === 'file');
  equal(JSON.stringify(await own()), JSON.stringify({ ...(await own()), model: 'gpt-5.6*', provider: 'openai', input: 1.25, output: 10 }), 'the gateway knows it');
  await row.getByRole('button', { name: 'Change the price of gpt-5.6*' }).click();
  const change = w.page.getByRole('dialog', { name: 'Price of gpt-5.6*' });
  await change.getByLabel('Generated').fill('12.5');
  await change.getByRole('button', { name: 'Save' }).click();
  await row.getByText('$12.5').waitFor();
  await row.getByRole('button', { name: 'Remove the price of gpt-5.6*' }).click();
  await w.page.getByRole('dialog', { name: /^Remove your price/ }).getByRole('button', { name: 'Remove' }).click();
  await until(async () => (await row.count()) === 0, 'it is gone from the list');
  equal(await own(), undefined, 'and from the gateway');
  await w.page.keyboard.press('Escape');
});

const onDisk = (rig) => JSON.parse(readFileSync(join(rig.folder, 'gui_config.json'), 'utf8'));

test('settings: written at once, faults at the field, reset, edits from outside', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  w.expect(/status of 400/);
  await w.go('settings');
  await w.page.getByRole('switch', { name: 'Compact layout' }).click();
  await w.page.locator('.setting', { hasText: 'Compact layout' }).getByText('Saved').waitFor();
  equal(onDisk(rig).dashboard.compact, true, 'in the file');
  equal(await w.page.getAttribute('html', 'data-density'), 'compact', 'at once');
  await w.page.getByRole('tab', { name: 'Scheduling and quota' }).click();
  const reserve = w.page.getByRole('spinbutton', { name: 'Quota reserve (percent)' });
  await reserve.fill('90');
  await reserve.press('Enter');
  await w.page.locator('.setting', { hasText: 'Quota reserve' }).getByRole('alert').waitFor();
  await w.axe('a setting with a fault');
  await w.shot('settings-fault');
  await reserve.fill('8');
  await reserve.press('Enter');
  await w.page.locator('.setting', { hasText: 'Quota reserve' }).getByText('Saved').waitFor();
  equal(onDisk(rig).proxy.quota_reserve_percent, 8);
  await w.page.locator('.setting', { hasText: 'Quota reserve' }).getByRole('button', { name: 'Reset to the default' }).click();
  await until(async () => (await reserve.inputValue()) === '0', 'the default');
  const now = onDisk(rig);
  rig.write({ ...now, quota: { refresh_minutes: 42 } });
  await until(async () => (await w.page.getByRole('spinbutton', { name: 'Minutes between refreshes' }).inputValue()) === '42', 'what somebody wrote into the file');
  await w.page.locator('.toast', { hasText: 'edited outside' }).waitFor();
  await w.page.getByRole('tab', { name: 'Privacy and logs' }).click();
  await w.page.getByRole('switch', { name: 'Keep bodies of requests' }).click();
  await w.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  equal(onDisk(rig).logs?.bodies ?? false, false, 'not without a yes');
  await w.page.getByRole('textbox', { name: 'Search settings' }).fill('mapping');
  await w.page.getByText('proxy.custom_mapping').first().waitFor();
  for (const tab of ['Models and providers', 'Client keys', 'Network', 'Limits and times', 'Password', 'General']) {
    await w.page.getByRole('tab', { name: tab }).click();
    await w.settle();
    await w.fits(`settings, ${tab}`);
    await w.axe(`settings, ${tab}`);
    await w.shot(`settings-${tab.toLowerCase().replaceAll(' ', '-')}`);
  }
});

test('settings: a provider has address, headers, times and an OAuth client', async ({ start, open }) => {
  const rig = await start((s) => ({ ...settings(s), providers: { codex: { headers: { 'X-Old': 'planted-value' }, oauth: { client_secret: 'planted-secret-abcd' } } } }));
  const w = await open(rig);
  w.expect(/status of 400/);
  await w.go('settings');
  await w.page.getByRole('tab', { name: 'Models and providers' }).click();
  await w.page.getByRole('link', { name: 'Open Routing' }).first().waitFor();
  await w.page.getByRole('button', { name: 'Change Codex' }).click();
  const form = w.page.getByRole('dialog', { name: 'Codex' });
  await form.getByLabel('Client id').fill('mine');
  await form.getByRole('button', { name: 'Remove the secret' }).click();
  await form.getByLabel('Base address').fill('http://127.0.0.1:9/v1, http://127.0.0.1:10/v1');
  await form.getByRole('button', { name: 'Add a header' }).click();
  await form.getByLabel('Name of the header').nth(1).fill('X New');
  await form.getByLabel('Connecting').fill('-5');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('Letters, digits and - are wanted').waitFor();
  await w.axe('a provider with faults');
  await w.fits('a provider');
  await w.shot('provider');
  await form.getByLabel('Name of the header').nth(1).fill('X-New');
  await form.getByLabel('Value of X-New').fill('1');
  await form.getByRole('button', { name: 'Remove X-Old' }).click();
  await form.getByLabel('Connecting').fill('1500');
  await form.getByLabel('Connecting').press('Enter');
  await form.waitFor({ state: 'detached' });
  const { codex } = onDisk(rig).providers;
  equal(codex.oauth.client_id, 'mine');
  equal(codex.oauth.client_secret ?? null, null, 'the secret is gone');
  equal(JSON.stringify(codex.base_url), '["http://127.0.0.1:9/v1","http://127.0.0.1:10/v1"]');
  equal(codex.timeouts.connect_ms, 1500);
  equal(codex.headers['X-New'], '1');
  equal(codex.headers['X-Old'] ?? null, null, 'the header is gone');
  await w.page.getByText('OAuth client entered').waitFor();
  assert(!(await w.page.content()).includes('planted'), 'no value of a header and no secret is shown');
});

test('settings: what the gateway says is in the language of the page', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig, { locale: 'zh-CN' });
  w.expect(/status of 400/);
  await w.go('settings');
  for (const tab of ['scheduling', 'privacy', 'models', 'keys', 'network', 'limits', 'general']) {
    await w.page.locator(`#tab-${tab}`).click();
    await w.page.locator('.setting').first().waitFor();
    await until(() => w.page.evaluate(() => [...document.querySelectorAll('.setting p.dim')].every((p) => /[\u4e00-\u9fff]/.test(p.textContent))), `every meaning of ${tab} is Chinese`);
  }
  await w.page.locator('#tab-scheduling').click();
  const reserve = w.page.locator('[id="set-proxy.quota_reserve_percent"]');
  await reserve.fill('90');
  await reserve.press('Enter');
  await w.page.getByRole('alert').getByText('为 90，超过上限 50').waitFor();
  await w.go('connect');
  await w.page.getByText('仅用于一次启动').waitFor();
  await rig.rules('key-ada@example.com', ['error=quota retry-after=3h']);
  await rig.ask('claude-sonnet-5', 'Hello', { session: 'c1' });
  await w.go('logs');
  await w.page.locator('.line.log button').first().click();
  const lines = w.page.locator('.explain li');
  await lines.nth(3).waitFor();
  for (const line of await lines.allTextContents()) assert(/[\u4e00-\u9fff]/.test(line) && !/[a-z] [a-z]+ [a-z]/.test(line), `a sentence in Chinese: ${line}`);
  await w.shot('trace-zh-CN');
  await w.fits('a trace in Chinese');
  await w.close();
});

test('settings: privacy masks names everywhere', async ({ start, open }) => {
  const rig = await start((s) => ({ ...settings(s), dashboard: { privacy: true } }));
  await seed(rig);
  const w = await open(rig);
  const NAMES = ['ada@example.com', 'clara.montgomery-whitfield@long-company-name.example'];
  const look = async (where) => {
    const text = await w.page.evaluate(() => document.body.innerText + document.documentElement.outerHTML);
    for (const name of NAMES) assert(!text.includes(name), `${where} shows ${name}`);
    await w.shot(`privacy-${where}`);
  };
  for (const page of PAGES) {
    await w.go(page);
    await w.page.waitForTimeout(400);
    await look(page);
  }
  await w.page.getByRole('tab', { name: 'Models and providers' }).click();
  await look('settings-models');
  await w.go('quota');
  await w.page.getByRole('article').first().getByRole('button').first().click();
  await w.page.getByRole('dialog').getByText('Last requests').waitFor();
  await look('account');
  await w.go('logs');
  await rig.ask('claude-sonnet-5', 'A live one', { session: 'live' });
  await w.page.locator('.line.log', { hasText: 'claude-sonnet-5' }).first().click();
  await w.page.getByRole('dialog').getByText('Attempts').waitFor();
  await look('trace');
});

test('settings: a client key is made, used, limited, replaced, revoked', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  w.expect(/status of 400/);
  await w.go('settings');
  await w.page.getByRole('tab', { name: 'Client keys' }).click();
  await w.page.getByText('No client key').waitFor();
  await w.page.getByRole('button', { name: 'Make a key' }).click();
  let dialog = w.page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('laptop');
  await dialog.getByLabel('Requests a minute').fill('many');
  await dialog.getByRole('button', { name: 'Make a key' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel('Requests a minute').fill('60');
  await dialog.getByRole('button', { name: 'Make a key' }).click();
  dialog = w.page.getByRole('dialog', { name: 'The key of laptop' });
  const key = (await dialog.locator('pre').textContent()).trim();
  assert(key.length > 30, 'a key is shown');
  await w.shot('key-once');
  await w.axe('a key shown once');
  await dialog.getByRole('button', { name: 'I have it' }).click();
  await dialog.waitFor({ state: 'detached' });
  await w.page.locator('.keyrow', { hasText: 'laptop' }).getByText('60 requests a minute').waitFor();
  assert(!/·\s*$|^·/.test(await w.page.locator('.keyrow .dim').innerText()), 'what is not limited is not told');
  assert(!(await w.page.content()).includes(key), 'it is shown once');
  equal((await rig.ask('claude-sonnet-5', 'hello', { key })).status, 200, 'it opens the gateway');
  equal((await rig.ask('claude-sonnet-5', 'hello', { key: 'another' })).status, 401, 'others do not any more');
  const act = async (item) => {
    await w.page.getByRole('button', { name: 'Actions for laptop' }).click();
    await w.page.getByRole('menuitem', { name: item }).click();
  };
  await act('Change limits');
  await w.page.getByRole('dialog').getByLabel('Tokens a day').fill('1000000');
  await w.page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await w.page.locator('.keyrow', { hasText: 'tokens today' }).waitFor();
  await act('Replace');
  await w.page.getByRole('dialog').getByRole('button', { name: 'Replace' }).click();
  dialog = w.page.getByRole('dialog', { name: 'The key of laptop' });
  const next = (await dialog.locator('pre').textContent()).trim();
  assert(next !== key, 'another key');
  await dialog.getByRole('button', { name: 'I have it' }).click();
  equal((await rig.ask('claude-sonnet-5', 'hello', { key: next })).status, 200);
  await act('Revoke');
  await w.page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await w.page.getByText('No client key').waitFor();
});

test('settings: a password is set and removed', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  w.expect(/status of 40[013]/);
  await w.go('settings');
  await w.page.getByRole('tab', { name: 'Password' }).click();
  await w.page.getByLabel('New password').fill('a long password of mine');
  await w.page.getByRole('button', { name: 'Set password' }).click();
  // every browser has to sign in again, this one too
  await w.page.getByLabel('Password').first().waitFor();
  await until(async () => (await w.page.locator('.frame').count()) === 0, 'signed out');
  await w.page.getByLabel('Password').fill('a long password of mine');
  await w.page.getByLabel('Password').press('Enter');
  await w.page.waitForSelector('.frame');
});

test('remote: addresses, and what is said about tunnels', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.go('remote-panel');
  await w.page.getByText(new URL(rig.base).host).first().waitFor();
  await w.page.getByRole('heading', { name: 'Tunnels' }).waitFor();
  await w.page.getByText('starts no tunnel by itself').waitFor();
  await w.page.getByRole('link', { name: 'Make a client key' }).click();
  await w.page.getByText('No client key').waitFor();
});

test('connect: the settings of every client can be copied', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await w.go('connect');
  const tabs = w.page.getByRole('tab');
  const count = await tabs.count();
  assert(count >= 4, `${count} clients`);
  for (let i = 0; i < count; i++) {
    await tabs.nth(i).click();
    const panel = w.page.locator(`[role=tabpanel][aria-labelledby="${await tabs.nth(i).getAttribute('id')}"]`);
    const wanted = (await panel.locator('pre').first().textContent()).trim();
    await w.copies(panel.getByRole('button', { name: 'Copy' }).first(), wanted);
    assert((await panel.innerText()).includes(new URL(rig.base).host), 'with the address of this gateway');
    await w.fits(`client ${i}`);
    const name = (await tabs.nth(i).getAttribute('id')).replace('tab-', '');
    const writes = (await panel.locator('pre').allTextContents()).filter((s) => s.includes('--write'));
    equal(writes.length, (await panel.getByText(/^~\//).count()) > 0 ? 1 : 0, `${name}: a command where there is a file`);
    if (writes.length > 0) equal(writes[0].trim(), `penstock connect ${name} --write --base-url ${rig.base}`);
  }
  await tabs.nth(count - 1).press('ArrowDown');
  equal(await w.page.evaluate(() => document.activeElement.id), await tabs.first().getAttribute('id'), 'arrow keys go round');
});

test('connect: copying works without a secure context, too', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await w.page.addInitScript(() => Object.defineProperty(window, 'isSecureContext', { value: false }));
  await w.go('connect');
  const pre = w.page.getByRole('tabpanel').locator('pre').first();
  const wanted = (await pre.textContent()).trim();
  await w.copies(w.page.getByRole('tabpanel').getByRole('button', { name: 'Copy' }).first(), wanted);
  await w.page.locator('.toast', { hasText: 'Copied' }).waitFor();
});

test('settings: serving is paused and resumed', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.go('settings');
  await w.page.getByRole('switch', { name: 'Serve requests' }).click();
  await w.page.getByText('Serving is paused: clients get 503.').waitFor();
  equal((await rig.ask('claude-sonnet-5', 'hello')).status, 503);
  await w.page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Resume' }).click();
  await w.page.getByText('Serving is paused: clients get 503.').waitFor({ state: 'detached' });
  equal((await rig.ask('claude-sonnet-5', 'hello')).status, 200);
});
