// parts/actions.ts - what can be done with an account, from wherever it is shown.
import { change, part, post, put, remove } from '../api';
import { live, loadAccounts, loadStatus, putAccount } from '../live';
import { number, said, t, word } from '../text';
import { Account } from '../types';
import { MenuItem, confirmDo, say, sayError } from '../ui';
import { redraw } from '../view';

export async function setFlag(a: Account, flag: 'disabled' | 'proxy_disabled', on: boolean): Promise<void> {
  try {
    await change(`api/accounts/${part(a.id)}`, { [flag]: on });
    void loadAccounts();
    const text = flag === 'disabled' ? (on ? t('did.disabled', { label: a.label }) : t('did.enabled', { label: a.label })) : on ? t('did.paused', { label: a.label }) : t('did.resumed', { label: a.label });
    say(text, { action: { label: t('do.undo'), run: () => void setFlag(a, flag, !on) } });
  } catch (error) {
    sayError(error);
  }
}

export async function testAccount(a: Account): Promise<void> {
  say(t('test.running', { label: a.label }));
  try {
    const got = await post(`api/accounts/${part(a.id)}/test`);
    if (got.ok) say(t('test.ok', { label: a.label, ms: number(got.took_ms) }));
    else say(t('test.failed', { label: a.label, why: [word('verdict', got.verdict), said(got.message)].filter(Boolean).join(' – ') }), { bad: true });
    void loadAccounts();
  } catch (error) {
    sayError(error);
  }
}

export async function refreshAccount(a: Account): Promise<void> {
  say(t('refresh.running', { label: a.label }));
  try {
    const got = await post<{ ok: boolean; message: string; account: Account | null }>(`api/accounts/${part(a.id)}/refresh`);
    if (got.account) putAccount(got.account);
    if (got.ok) say(t('did.refreshed', { label: a.label }));
    else say(`${a.label}: ${said(got.message)}`, { bad: true });
  } catch (error) {
    sayError(error);
  }
}

export async function refreshAll(): Promise<void> {
  try {
    const { accounts } = await post<{ accounts: number }>('api/quota/refresh');
    say(t('did.refreshed_all', { n: accounts }));
  } catch (error) {
    sayError(error);
  }
}

export async function fixAccount(a: Account | null): Promise<void> {
  try {
    live.scheduling = a ? await put('api/scheduling/fixed', { account: a.id }) : await remove('api/scheduling/fixed');
    redraw();
    say(a ? t('did.fixed', { label: a.label }) : t('did.unfixed'), a ? { action: { label: t('do.undo'), run: () => void fixAccount(null) } } : {});
  } catch (error) {
    sayError(error);
  }
}

export async function setServing(on: boolean): Promise<void> {
  try {
    await post('api/serving', { serving: on });
    await loadStatus();
    say(on ? t('did.serving') : t('did.not_serving'), on ? {} : { action: { label: t('do.resume'), run: () => void setServing(true) } });
  } catch (error) {
    sayError(error);
  }
}

export async function clearLockouts(a: Account): Promise<void> {
  try {
    await remove(`api/accounts/${part(a.id)}/lockouts`);
    void loadAccounts();
    say(t('did.unlocked', { label: a.label }));
  } catch (error) {
    sayError(error);
  }
}

export function removeAccount(a: Account, done?: () => void): void {
  confirmDo({
    title: t('remove.title', { label: a.label }),
    text: a.declared_in === 'file' ? t('remove.file') : t('remove.text'),
    label: t('do.remove'),
    danger: true,
    run: async () => {
      await remove(`api/accounts/${part(a.id)}`);
      void loadAccounts();
      say(t('did.removed', { label: a.label }));
      done?.();
    },
  });
}

export const isFixed = (a: Account): boolean => live.scheduling?.fixed_account?.id === a.id;

export function accountActions(a: Account): MenuItem[] {
  return [
    { label: t('do.test'), icon: 'bolt', run: () => void testAccount(a) },
    { label: t('do.refresh'), icon: 'refresh', run: () => void refreshAccount(a) },
    { label: isFixed(a) ? t('do.unfix') : t('do.fix'), icon: 'pin', run: () => void fixAccount(isFixed(a) ? null : a) },
    ...(a.lockout_count > 0 || a.credential_refused ? [{ label: t('do.unlock'), icon: 'lock' as const, run: () => void clearLockouts(a) }] : []),
    { label: a.proxy_disabled ? t('do.resume') : t('do.pause'), icon: a.proxy_disabled ? 'play' : 'pause', line: true, run: () => void setFlag(a, 'proxy_disabled', !a.proxy_disabled) },
    { label: a.disabled ? t('do.enable') : t('do.disable'), icon: a.disabled ? 'check' : 'close', run: () => void setFlag(a, 'disabled', !a.disabled) },
    { label: t('do.remove'), icon: 'trash', danger: true, disabled: a.declared_in === 'file', run: () => removeAccount(a) },
  ];
}

