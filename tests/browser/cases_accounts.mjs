// What can be done on /quota.
import { assert, equal, test, until } from './harness.mjs';
import { accountsOf, seed } from './rig.mjs';

const settings = (simulator) => ({ accounts: accountsOf(simulator), proxy: { scheduling: { queue_wait_seconds: 0 } } });

async function account(rig, label) {
  const { body } = await rig.admin('GET', 'api/accounts');
  return body.accounts.find((a) => a.label === label);
}

const card = (w, label) => w.page.getByRole('article', { name: label });

async function act(w, label, item) {
  await card(w, label).getByRole('button', { name: `Actions for ${label}` }).click();
  await w.page.getByRole('menuitem', { name: item, exact: true }).click();
}

const toast = (w, text) => w.page.locator('.toast', { hasText: text }).first().waitFor();

test('accounts: added with faults at their fields, tested, removed', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  w.expect(/api\/accounts .*|status of 4\d\d/);
  await w.page.getByRole('button', { name: 'Add account' }).click();
  const dialog = w.page.getByRole('dialog');
  await w.shot('dialog-providers');
  await w.axe('the choice of providers');
  await dialog.getByRole('button', { name: /^Compatible/ }).click();
  const save = dialog.getByRole('button', { name: 'Add account' });
  await save.click();
  await dialog.getByText('A name is needed').waitFor();
  await dialog.getByText('An address like').waitFor();
  await w.axe('a form with faults');
  await w.shot('dialog-faults');
  await dialog.getByLabel('Name').fill('ada@example.com');
  await dialog.getByLabel('Address').fill(`${rig.simulator.address}/v1`);
  await save.click();
  await dialog.locator('.wrong').first().waitFor(); // the gateway knows this label already
  await dialog.getByLabel('Name').fill('mine');
  await dialog.getByLabel('API key').fill('key-mine');
  await dialog.getByLabel('API key').press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  await toast(w, 'mine was added');
  await w.page.getByRole('textbox', { name: 'Search accounts' }).fill('mine'); // it may stand below what is in sight
  await card(w, 'mine').waitFor();
  assert(await account(rig, 'mine'), 'the gateway has it');

  await act(w, 'mine', 'Test');
  await toast(w, 'mine works');
  await act(w, 'mine', 'Remove');
  await w.page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await toast(w, 'mine was removed');
  await card(w, 'mine').waitFor({ state: 'detached' });
  assert(!(await account(rig, 'mine')), 'it is gone');
});

test('accounts: paused, undone, disabled, fixed', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await act(w, 'work', 'Pause');
  await toast(w, 'work is paused');
  await card(w, 'work').getByText('Paused').waitFor();
  equal((await account(rig, 'work')).proxy_disabled, true);
  await w.page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
  await card(w, 'work').getByText('Ready').waitFor();
  await act(w, 'work', 'Disable');
  await card(w, 'work').getByText('Disabled').waitFor();
  equal((await account(rig, 'work')).disabled, true);
  await act(w, 'work', 'Enable');
  await card(w, 'work').getByText('Ready').waitFor();
  await act(w, 'work', 'Fix as the account');
  await card(w, 'work').getByText('Fixed', { exact: true }).waitFor();
  equal((await rig.admin('GET', 'api/scheduling')).body.fixed_account.label, 'work');
  await act(w, 'work', 'Stop fixing');
  await card(w, 'work').getByText('Fixed', { exact: true }).waitFor({ state: 'detached' });
  equal((await rig.admin('GET', 'api/scheduling')).body.fixed_account, null);
});

test('accounts: filter, search, list, details', async ({ start, open }) => {
  const rig = await start(settings);
  await seed(rig);
  const w = await open(rig);
  const cards = w.page.getByRole('article');
  // a narrow window holds no more of the nine than it can show
  await w.page.getByRole('button', { name: /^All\s*9$/ }).waitFor();
  await until(async () => (await cards.count()) === 9 || (w.look.endsWith('-390') && (await cards.count()) > 3), 'nine cards');
  await w.page.getByRole('button', { name: /^Switched off/ }).click();
  await until(async () => (await cards.count()) === 2, 'two are switched off');
  await w.page.getByRole('button', { name: /^Switched off/ }).click();
  await w.page.keyboard.press('/');
  await w.page.keyboard.type('gemini');
  await until(async () => (await cards.count()) === 1, 'one is found');
  await w.page.getByRole('textbox', { name: 'Search accounts' }).fill('nothing like it');
  await w.page.getByText('No account matches').waitFor();
  await w.page.getByRole('button', { name: 'Clear filters' }).click();
  await w.page.getByRole('radio', { name: 'List' }).click();
  await until(async () => (await w.page.getByRole('row').count()) === 10, 'a row for each, and the head');
  await w.axe('the list of accounts');
  const columns = (row) => w.page.getByRole('row').nth(row).locator('.c-name, .c-state, .c-quota').evaluateAll((cells) => cells.map((c) => Math.round(c.getBoundingClientRect().left)).join(' '));
  equal(await columns(0), await columns(1), 'the head stands above its columns');
  await w.shot('quota-list');
  await w.page.getByRole('button', { name: 'ada@example.com', exact: true }).click();
  const drawer = w.page.getByRole('dialog');
  await drawer.getByText('quota used up').first().waitFor();
  await w.shot('account');
  await w.axe('details of an account');
  await w.fits('details of an account');
  await drawer.getByRole('button', { name: 'Clear lockouts' }).click();
  await until(async () => (await account(rig, 'ada@example.com')).lockout_count === 0, 'the lockout is gone');
  await drawer.getByLabel('Requests at one time').fill('3');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await until(async () => (await account(rig, 'ada@example.com')).max_concurrency === 3, 'three at one time');
  await w.page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });
  equal(await w.page.evaluate(() => document.activeElement.textContent.trim()), 'ada@example.com', 'the focus comes back');
});

test('accounts: two hundred are virtual', async ({ start, open }) => {
  const rig = await start((simulator) => ({
    accounts: Array.from({ length: 200 }, (_, i) => ({ label: `account-${String(i).padStart(3, '0')}`, provider: 'anthropic', base_url: simulator, api_key: `key-${i}` })),
  }));
  const w = await open(rig);
  await w.page.getByRole('row').first().waitFor();
  const rows = await w.page.getByRole('row').count();
  assert(rows > 10 && rows < 60, `${rows} rows exist of 200`);
  await w.page.locator('.scroller').evaluate((el) => (el.scrollTop = el.scrollHeight));
  await w.page.getByText('account-199').waitFor();
  await w.page.getByRole('radio', { name: 'Cards' }).click();
  await w.page.getByRole('article').first().waitFor();
  await w.page.locator('.scroller').evaluate((el) => (el.scrollTop = el.scrollHeight));
  await w.page.getByText('account-199').waitFor();
  const cards = await w.page.getByRole('article').count();
  assert(cards < 90, `${cards} cards exist of 200`);
});
