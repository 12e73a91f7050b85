// /logs: live, filtered, paused, explained.
import { assert, equal, test, until } from './harness.mjs';
import { accountsOf, seed } from './rig.mjs';

const settings = (simulator) => ({ accounts: accountsOf(simulator), proxy: { scheduling: { queue_wait_seconds: 0 } } });

test('logs: requests come by themselves, and are explained', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.go('logs');
  await w.page.getByText('No request yet').waitFor();
  await rig.rules('key-ada@example.com', ['error=quota retry-after=3h']);
  await rig.ask('claude-sonnet-5', 'Hello', { session: 'c1' });
  await w.page.locator('.line.log', { hasText: 'claude-sonnet-5' }).click();
  const drawer = w.page.getByRole('dialog');
  await drawer.getByText('quota used up').first().waitFor();
  equal(await drawer.locator('.attempt').count(), 2, 'two attempts');
  assert((await drawer.locator('.explain li').count()) >= 3, 'told in sentences');
  await drawer.locator('.attempt .unfold').nth(1).click();
  await drawer.getByText('Passed over').first().waitFor();
  await w.shot('trace');
  await w.axe('a decision trace');
  await w.fits('a decision trace');
  await w.page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });
});

test('logs: a running request is seen while it runs, attempt by attempt', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.go('logs');
  await rig.rules('key-ada@example.com', ['error=quota retry-after=3h']);
  await rig.rules('key-ben@example.com', ['first=12s']);
  const answer = rig.ask('claude-sonnet-5', 'Slowly', { session: 'c1', stream: true });
  const row = w.page.locator('.line.log', { hasText: 'claude-sonnet-5' });
  await row.getByText('Running').waitFor();
  await w.shot('logs-running');
  await row.click();
  const drawer = w.page.getByRole('dialog');
  await drawer.getByText('Running for').waitFor();
  await drawer.locator('.attempt').nth(1).getByText('asking').waitFor();
  await drawer.locator('.attempt').first().getByText('quota used up').waitFor();
  await w.shot('trace-running');
  await w.axe('a request that runs');
  equal((await answer).status, 200);
  // it becomes the whole trace by itself
  await drawer.getByText('Running for').waitFor({ state: 'detached' });
  await drawer.locator('.explain li').nth(3).waitFor();
  await w.page.keyboard.press('Escape');
  await row.getByText('200').waitFor();
});

test('logs: filter, pause, keys, address', async ({ start, open }) => {
  const rig = await start(settings);
  await seed(rig);
  const w = await open(rig);
  await w.go('logs');
  const rows = w.page.locator('.line.log:not(.head)');
  await until(async () => (await rows.count()) > 10, 'rows');
  await w.page.getByRole('textbox', { name: 'Search requests' }).fill('gemini-3-pro');
  await until(async () => (await rows.count()) === 4, 'four of this model');
  assert(w.page.url().includes('text=gemini-3-pro'), 'the address keeps the filter');
  await w.page.reload();
  await until(async () => (await rows.count()) === 4, 'four after a reload');
  await w.page.getByRole('button', { name: 'Clear filters' }).click();
  await w.page.getByRole('button', { name: 'Pause' }).click();
  await w.page.getByText('Paused.').waitFor();
  const newest = () => rows.first().getAttribute('data-id');
  const before = await newest();
  await rig.ask('claude-sonnet-5', 'While paused', { session: 'p' });
  await w.page.getByText('Paused. 1 new request since.').waitFor();
  equal(await newest(), before, 'nothing moves');
  await w.page.getByRole('button', { name: 'Resume' }).click();
  await w.page.locator('.line.log button').first().focus();
  await w.page.keyboard.press('ArrowDown');
  await w.page.keyboard.press('ArrowDown');
  const here = w.page.locator('.line.log.here');
  await here.waitFor();
  const id = await here.getAttribute('data-id');
  await rig.ask('claude-sonnet-5', 'While somebody reads', { session: 'q' });
  await until(async () => (await w.page.getByRole('table').getAttribute('aria-rowcount')) === String(28), 'the new one is shown');
  equal(await here.getAttribute('data-id'), id, 'new requests do not move what is looked at');
  await w.page.keyboard.press('Enter');
  await w.page.getByRole('dialog').waitFor();
});

test('logs: older requests are had from usage.db, page by page', async ({ start, open }) => {
  const rig = await start((simulator) => ({ ...settings(simulator), logs: { capture: true } }));
  for (let i = 0; i < 24; i++) await Promise.all(Array.from({ length: 10 }, (_, k) => rig.ask(i % 2 ? 'claude-sonnet-5' : 'gpt-5.6', `Question ${i} ${k}`, { session: `c${k}` })));
  await until(async () => (await rig.admin('GET', 'api/usage?by=hour&from=24h')).body.total.requests === 240, 'usage is written');
  await rig.restart(); // memory is empty
  const w = await open(rig);
  w.expect(/status of 500/);
  await w.go('logs');
  const rows = () => w.page.getByRole('table').getAttribute('aria-rowcount').then(Number);
  await until(async () => (await rows()) === 201, 'the newest of the file');
  // a fault is told at its place, and asked for again
  await w.page.route(/api\/requests\?.*limit=500/, (route) => route.fulfill({ status: 500, contentType: 'application/json', body: '{"error":{"message":"the database is gone"}}' }));
  await w.page.locator('.scroller').evaluate((el) => (el.scrollTop = el.scrollHeight));
  await w.page.getByRole('alert').getByText('the database is gone').waitFor();
  await w.axe('older ones that do not come');
  await w.shot('logs-older-failed');
  await w.page.unrouteAll();
  await w.page.getByRole('button', { name: 'Try again' }).click();
  await until(async () => (await rows()) === 241, 'all of them');
  await w.page.locator('.scroller').evaluate((el) => (el.scrollTop = el.scrollHeight));
  await w.page.getByText('That is all that is kept').waitFor();
  await w.shot('logs-older');
  await w.fits('older requests');
  // filters hold for them, too
  await w.page.getByLabel('Any model').selectOption('gpt-5.6');
  await w.page.locator('.scroller').evaluate((el) => (el.scrollTop = el.scrollHeight));
  await until(async () => (await rows()) === 121, 'only those of one model');
  // what is kept of one
  await w.page.locator('.scroller').evaluate((el) => (el.scrollTop = 0));
  await w.page.locator('.line.log button').first().press('Enter');
  const drawer = w.page.getByRole('dialog');
  await drawer.getByText('is no longer kept').waitFor();
  equal(await drawer.locator('.attempt').count(), 1, 'its attempt is told');
  await w.shot('trace-kept');
  await w.axe('a request without its trace');
});
