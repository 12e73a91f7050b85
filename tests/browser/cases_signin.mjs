// Signing in at a provider: the page opens, comes back, or what it ended at is pasted; codes are shown; what lacks is explained.
import { assert, equal, test } from './harness.mjs';

// A gateway whose providers are all the simulator.
function settings(simulator) {
  const oauth = (urls) => ({ client_id: 'client-of-the-user', listen: '127.0.0.1:0', ...Object.fromEntries(Object.entries(urls).map(([k, v]) => [k, `${simulator}/oauth/${v}`])) });
  return {
    providers: {
      antigravity: { base_url: simulator, oauth: { ...oauth({ authorize_url: 'authorize', token_url: 'token', user_url: 'userinfo' }), client_secret: 'secret' } },
      codex: { base_url: `${simulator}/v1`, oauth: oauth({ authorize_url: 'authorize', token_url: 'token' }) },
      copilot: { base_url: `${simulator}/v1`, oauth: oauth({ token_url: 'token', device_url: 'device', user_url: 'userinfo', exchange_url: 'exchange' }) },
    },
  };
}

async function choose(w, provider) {
  await w.page.getByRole('button', { name: 'Add account' }).first().click();
  const dialog = w.page.getByRole('dialog');
  await dialog.getByRole('button', { name: new RegExp(`^${provider}`) }).click();
  return dialog;
}

const accounts = async (rig) => (await rig.admin('GET', 'api/accounts')).body.accounts.filter((a) => a.provider !== 'simulator');

async function simulator(rig, body) {
  const answer = await fetch(`${rig.simulator.address}/_sim/oauth`, { method: 'PUT', body: JSON.stringify(body) });
  assert(answer.ok, await answer.text());
}

test('signin: the provider opens, and the account is there', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  const dialog = await choose(w, 'Antigravity');
  await w.axe('before signing in');
  const [popup] = await Promise.all([w.context.waitForEvent('page'), dialog.getByRole('button', { name: 'Sign in' }).click()]);
  await popup.waitForLoadState();
  await w.page.locator('.toast', { hasText: 'was added' }).waitFor();
  equal((await accounts(rig)).length, 1);
  await w.page.getByRole('article').first().waitFor();
});

test('signin: what the browser ended at is pasted', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  w.expect(/status of 400/);
  await w.page.addInitScript(() => (window.open = () => null));
  await w.page.reload();
  await w.page.waitForSelector('.frame');
  const dialog = await choose(w, 'Codex');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.getByText('Waiting for you to sign in').waitFor();
  const url = (await dialog.locator('pre').first().textContent()).trim();
  await w.shot('signin-waiting');
  await w.axe('while it is waited');
  await w.fits('while it is waited');
  const { headers } = await fetch(url, { redirect: 'manual' });
  const details = dialog.locator('details');
  if (!(await details.evaluate((d) => d.open))) await details.locator('summary').click();
  await dialog.getByLabel('Address you ended at').fill('http://localhost:1/auth/callback?state=other');
  await dialog.getByRole('button', { name: 'Finish' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel('Address you ended at').fill('no-code-of-theirs');
  await dialog.getByRole('button', { name: 'Finish' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'does not take this code' }).waitFor();
  await dialog.getByLabel('Address you ended at').fill(headers.get('location'));
  await dialog.getByRole('button', { name: 'Finish' }).click();
  await w.page.locator('.toast', { hasText: 'was added' }).waitFor();
  equal((await accounts(rig))[0].provider, 'codex');
});

test('signin: a code is shown; cancelling ends it', async ({ start, open }) => {
  const rig = await start(settings);
  await simulator(rig, { token: Array(30).fill('authorization_pending') }); // nobody enters it
  const w = await open(rig);
  await w.page.addInitScript(() => (window.open = () => null));
  await w.page.reload();
  await w.page.waitForSelector('.frame');
  const dialog = await choose(w, 'Copilot');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.locator('.usercode').waitFor();
  assert((await dialog.locator('.usercode').textContent()).length >= 6, 'a code');
  await w.shot('signin-code');
  await w.axe('a code');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
});

test('signin: a code is entered, and the account is there', async ({ start, open }) => {
  const rig = await start(settings);
  await simulator(rig, { interval: 1, token: ['authorization_pending'] });
  const w = await open(rig);
  await w.page.addInitScript(() => (window.open = () => null));
  await w.page.reload();
  await w.page.waitForSelector('.frame');
  const dialog = await choose(w, 'Copilot');
  await dialog.getByLabel('Name').fill('pilot');
  await dialog.getByLabel('Name').press('Enter');
  await w.page.locator('.toast', { hasText: 'pilot was added' }).waitFor();
  await dialog.waitFor({ state: 'detached' });
  equal((await accounts(rig))[0].label, 'pilot');
});

test('signin: what was refused at the provider is told, and can be tried again', async ({ start, open }) => {
  const rig = await start(settings);
  await simulator(rig, { authorize: ['access_denied'] });
  const w = await open(rig);
  const dialog = await choose(w, 'Antigravity');
  const signIn = dialog.getByRole('button', { name: 'Sign in' });
  await Promise.all([w.context.waitForEvent('page'), signIn.click()]);
  await dialog.getByRole('alert').waitFor();
  equal(await dialog.getByText('Open the page').count(), 0, 'what has ended is not offered');
  await w.shot('signin-refused');
  await w.axe('a sign-in that was refused');
  equal((await accounts(rig)).length, 0, 'nothing is added');
  await Promise.all([w.context.waitForEvent('page'), signIn.click()]);
  await w.page.locator('.toast', { hasText: 'was added' }).waitFor();
  equal((await accounts(rig)).length, 1);
});

test('signin: without an OAuth client it is entered here', async ({ start, open }) => {
  const { providers } = settings('http://127.0.0.1:1');
  const rig = await start((simulator) => {
    const { oauth, ...rest } = settings(simulator).providers.antigravity;
    const { client_id: _id, client_secret: _secret, ...urls } = oauth;
    return { providers: { antigravity: { ...rest, oauth: urls } } };
  });
  const w = await open(rig);
  w.expect(/status of 40[09]/);
  const dialog = await choose(w, 'Antigravity');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  assert(/client_id/.test(await dialog.getByRole('alert').textContent()), 'what lacks is told');
  await w.shot('signin-no-client');
  await w.axe('a sign-in that lacks a client');
  equal((await accounts(rig)).length, 0, 'nothing is added');
  await dialog.getByRole('button', { name: 'Enter the OAuth client' }).click();
  const form = w.page.getByRole('dialog', { name: 'Antigravity', exact: true });
  await form.getByLabel('Client id').fill(providers.antigravity.oauth.client_id);
  await form.getByLabel('Client secret').fill('secret');
  await form.getByText('More options').click();
  await form.getByLabel('Token address').fill('no address');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('is no http or https URL').waitFor();
  await w.axe('an address that is wrong');
  await w.fits('the form of a provider');
  await w.shot('provider-fault');
  await form.getByLabel('Token address').fill(`${rig.simulator.address}/oauth/token`);
  await form.getByLabel('Token address').press('Enter');
  await form.waitFor({ state: 'detached' });
  const [popup] = await Promise.all([w.context.waitForEvent('page'), dialog.getByRole('button', { name: 'Sign in' }).click()]);
  await popup.waitForLoadState();
  await w.page.locator('.toast', { hasText: 'was added' }).waitFor();
  equal((await accounts(rig)).length, 1);
});

test('signin: a lost grant is told, and signed in to again', async ({ start, open }) => {
  const rig = await start(settings);
  const w = await open(rig);
  const dialog = await choose(w, 'Codex');
  await Promise.all([w.context.waitForEvent('page'), dialog.getByRole('button', { name: 'Sign in' }).click()]);
  await w.page.locator('.toast', { hasText: 'was added' }).waitFor();
  await fetch(`${rig.simulator.address}/_sim/oauth`, { method: 'PUT', body: JSON.stringify({ revoke: true }) });
  const { label } = (await accounts(rig))[0];
  await rig.admin('POST', `api/accounts/${encodeURIComponent(label)}/refresh`);
  const card = w.page.getByRole('article').first();
  await card.getByText('Sign in again').waitFor();
  await card.getByRole('button').first().click();
  const drawer = w.page.getByRole('dialog');
  await drawer.getByRole('button', { name: 'Sign in again' }).waitFor();
  await w.shot('account-sign-in-again');
  await w.axe('an account to sign in to again');
  await drawer.getByRole('button', { name: 'Sign in again' }).click();
  await Promise.all([w.context.waitForEvent('page'), w.page.getByRole('dialog').getByRole('button', { name: 'Sign in', exact: true }).click()]);
  await w.page.locator('.toast', { hasText: 'was added' }).last().waitFor();
  assert(!(await accounts(rig))[0].sign_in_again, 'it is one that can be used');
});

test('accounts: the proxy of an account is changed', async ({ start, open }) => {
  const rig = await start({});
  await rig.admin('POST', 'api/accounts?check=off', { label: 'mine', provider: 'anthropic', base_url: rig.simulator.address, api_key: 'key-1' });
  const w = await open(rig);
  w.expect(/status of 400/);
  await w.page.getByRole('article').first().getByRole('button').first().click();
  const drawer = w.page.getByRole('dialog');
  await drawer.getByLabel('Proxy').fill('gopher://nowhere');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await drawer.getByText('is neither `direct` nor a proxy URL').waitFor();
  await drawer.getByLabel('Proxy').fill('http://ada:secret@127.0.0.1:3128');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await w.page.locator('.toast').last().waitFor();
  equal((await rig.admin('GET', 'api/accounts/mine')).body.proxy, 'http://…@127.0.0.1:3128');
});
