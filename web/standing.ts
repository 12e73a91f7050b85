// standing.ts - what an account's state is in one word, one colour and one sentence.
import { live } from './live';
import { said, span, t, word } from './text';
import { Account, Lockout } from './types';

export type Kind = 'ok' | 'locked' | 'reserve' | 'off' | 'error';

export interface Standing {
  kind: Kind;
  word: string;
  why: string; // may be empty
}

const isWhole = (l: Lockout): boolean => l.scope === 'account' || l.scope === 'host';

export function left(until: number | null): string {
  return until === null ? t('until.act') : t('until.in', { time: span(until - Date.now()) });
}

function running(a: Account): Lockout[] {
  return a.lockouts.filter((l) => l.until_unix_ms === null || l.until_unix_ms > Date.now());
}

export function isReserved(a: Account): boolean {
  const reserve = live.scheduling?.quota_reserve_percent ?? 0;
  return reserve > 0 && a.quota.some((q) => q.remaining_permille !== null && q.remaining_permille <= reserve * 10);
}

export function standing(a: Account): Standing {
  if (a.sign_in_again) return { kind: 'error', word: t('stand.sign_in'), why: said(a.disabled_reason) };
  if (a.credential_refused) return { kind: 'error', word: t('stand.refused'), why: said(a.disabled_reason) || t('stand.refused_why') };
  if (a.disabled) return { kind: 'off', word: t('stand.disabled'), why: said(a.disabled_reason) };
  const locked = running(a);
  const whole = locked.find(isWhole);
  if (whole) return { kind: 'locked', word: t('stand.locked'), why: `${word('verdict', whole.reason)} · ${left(whole.until_unix_ms)}` };
  if (a.proxy_disabled) return { kind: 'off', word: t('stand.paused'), why: t('stand.paused_why') };
  if (isReserved(a)) return { kind: 'reserve', word: t('stand.reserve'), why: t('stand.reserve_why', { n: live.scheduling?.quota_reserve_percent ?? 0 }) };
  const part = locked[0];
  if (part) {
    const more = locked.length > 1 ? ` +${locked.length - 1}` : '';
    return { kind: 'locked', word: t('stand.partly'), why: `${part.scope}${more}: ${word('verdict', part.reason)} · ${left(part.until_unix_ms)}` };
  }
  const why = a.renewal === 'client_missing' || a.renewal === 'none' ? t(`account.renewal_${a.renewal}`) : '';
  if (a.in_flight > 0) return { kind: 'ok', word: t('stand.busy', { n: a.in_flight }), why };
  return { kind: 'ok', word: t('stand.ready'), why };
}

// The colour of what is left of an allowance.
export function levelKind(permille: number | null, locked: boolean): string {
  if (permille === null) return 'off';
  if (locked || permille < 50) return 'error';
  const reserve = (live.scheduling?.quota_reserve_percent ?? 0) * 10;
  if (reserve > 0 && permille <= reserve) return 'reserve';
  return permille < 200 ? 'locked' : 'ok';
}

const NAMES: Record<string, string> = {
  antigravity: 'Antigravity',
  gemini: 'Gemini',
  codex: 'Codex',
  copilot: 'Copilot',
  openai: 'OpenAI',
  anthropic: 'Anthropic',
  compatible: 'Compatible',
  simulator: 'Simulator',
};

export const providerName = (id: string | null): string => (id ? NAMES[id] ?? id : '');
