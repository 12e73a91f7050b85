// Logging in and out, looks, keys, and what happens when the gateway is away.
import { createServer, request } from 'node:http';
import { assert, equal, test, until } from './harness.mjs';
import { accountsOf } from './rig.mjs';

const settings = (simulator) => ({ accounts: accountsOf(simulator) });

test('session: a link works once, and out is out', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig, { login: false });
  w.expect(/status of 401/);
  await w.page.goto(`${rig.base}/quota`);
  await w.page.getByText('Open with a link').waitFor();
  await w.shot('login');
  await w.axe('the login');
  const link = await rig.link();
  await w.page.goto(link);
  await w.page.reload();
  await w.page.waitForSelector('.frame');
  equal(new URL(w.page.url()).hash, '', 'the secret leaves the address');
  await (await w.side()).getByRole('button', { name: 'Sign out' }).click();
  await w.page.getByText('Open with a link').waitFor();
  await w.page.goto(link);
  await w.page.reload();
  await w.page.getByText('Open with a link').waitFor();
  equal(await w.page.locator('.frame').count(), 0, 'the used link opens nothing');
});

test('session: a password', async ({ start, open }) => {
  const rig = await start(settings);
  equal((await rig.admin('PUT', 'api/session/password', { password: 'correct horse battery' })).status, 200);
  const w = await open(rig, { login: false });
  w.expect(/status of 401/);
  await w.page.goto(`${rig.base}/logs`);
  await w.page.getByLabel('Password').fill('wrong');
  await w.page.getByRole('button', { name: 'Sign in' }).click();
  await w.page.getByRole('alert').waitFor();
  await w.page.getByLabel('Password').fill('correct horse battery');
  await w.page.getByLabel('Password').press('Enter');
  await w.page.waitForSelector('.frame');
  assert(w.page.url().endsWith('/logs'), 'where one wanted to go');
});

test('session: looks are kept', async ({ start, open, look }) => {
  const rig = await start(settings);
  const w = await open(rig);
  const side = await w.side();
  const other = look.theme === 'dark' ? 'light' : 'dark';
  await side.getByRole('radio', { name: other === 'dark' ? 'Dark' : 'Light' }).click();
  equal(await w.page.getAttribute('html', 'data-theme'), other);
  await side.getByRole('button', { name: 'Compact' }).click();
  await side.getByLabel('Language').selectOption('zh-CN');
  await until(async () => (await w.page.getAttribute('html', 'lang')) === 'zh-CN', 'Chinese');
  await w.page.reload();
  await w.page.waitForSelector('.frame');
  equal(await w.page.getAttribute('html', 'data-theme'), other);
  equal(await w.page.getAttribute('html', 'data-density'), 'compact');
  equal(await w.page.getAttribute('html', 'lang'), 'zh-CN');
});

test('session: everything by keys', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.settle();
  await w.page.keyboard.press('Tab');
  equal(await w.page.evaluate(() => document.activeElement.textContent), 'Skip to content');
  await w.page.keyboard.press('Enter');
  equal(await w.page.evaluate(() => document.activeElement.id), 'page');
  for (const [key, path] of [['l', 'logs'], ['r', 'routing'], ['u', 'usage'], ['s', 'settings'], ['c', 'connect'], ['t', 'remote-panel'], ['q', 'quota']]) {
    await w.page.keyboard.press('g');
    await w.page.keyboard.press(key);
    await until(() => w.page.url().endsWith(`/${path}`), `g ${key} goes to ${path}`);
  }
  await w.page.keyboard.press('?');
  await w.page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await w.page.keyboard.press('Escape');
  await w.page.keyboard.press('a');
  const dialog = w.page.getByRole('dialog', { name: 'Add account' });
  await dialog.waitFor();
  for (let i = 0; i < 14; i++) {
    await w.page.keyboard.press('Tab');
    assert(await w.page.evaluate(() => !!document.activeElement.closest('dialog') || document.activeElement === document.body), 'the focus stays in the dialog');
  }
  await w.page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  const more = w.page.getByRole('button', { name: 'Actions for work' });
  await more.focus();
  await w.page.keyboard.press('Enter');
  await w.page.getByRole('menu').waitFor();
  await w.axe('an open menu');
  await w.page.keyboard.press('ArrowDown');
  await w.page.keyboard.press('End');
  await w.page.keyboard.press('Escape');
  equal(await w.page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Actions for work', 'the focus comes back');
});

test('session: the gateway goes away and comes back', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  await w.settle();
  w.expect(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|status of 401/);
  await rig.stopGateway();
  await w.page.getByRole('alert').getByText('The gateway does not answer').waitFor();
  assert((await w.page.getByRole('article').count()) > 0, 'what is known stays');
  await w.shot('offline');
  await w.axe('while the gateway is away');
  await rig.restart();
  // sessions end with the process: the page asks to log in again
  await w.page.getByText('Open with a link').waitFor();
});

// A proxy that serves the gateway below a path, as people do with nginx.
async function below(rig, prefix) {
  const port = new URL(rig.base).port;
  const server = createServer((q, a) => {
    if (!q.url.startsWith(`${prefix}/`)) {
      a.writeHead(404).end();
      return;
    }
    const headers = { ...q.headers, host: `127.0.0.1:${port}` };
    if (headers.origin) headers.origin = `http://127.0.0.1:${port}`;
    const to = request({ host: '127.0.0.1', port, path: q.url.slice(prefix.length), method: q.method, headers }, (r) => {
      a.writeHead(r.statusCode, r.headers);
      r.pipe(a);
    });
    to.on('error', () => a.destroy());
    a.on('close', () => to.destroy());
    q.pipe(to);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { base: `http://127.0.0.1:${server.address().port}${prefix}`, close: () => server.close() };
}

test('session: below a path', async ({ start, open }) => {
  const rig = await start(settings);
  const proxy = await below(rig, '/deep/penstock');
  const w = await open(rig, { base: proxy.base });
  for (const page of ['logs', 'routing', 'usage', 'quota']) {
    await w.go(page);
    equal(w.page.url(), `${proxy.base}/${page}`);
  }
  await (await w.side()).getByRole('link', { name: 'Logs' }).click();
  await until(() => w.page.url() === `${proxy.base}/logs`, 'links stay below the path');
  await w.close();
  proxy.close();
});
