// parts/quota_bar.tsx - what is left of one allowance, when it is renewed, and how old that knowledge is.
import { levelKind } from '../standing';
import { span, t } from '../text';
import { Account, Quota } from '../types';
import { Child, h } from '../view';

export const isLocked = (a: Account, group: string): boolean => a.lockouts.some((l) => (l.scope === group || l.scope === 'account') && (l.until_unix_ms === null || l.until_unix_ms > Date.now()));

export function QuotaBar({ a, q, wide }: { a: Account; q: Quota; wide?: boolean }): Child {
  const known = q.remaining_permille !== null;
  const share = known ? q.remaining_permille! / 10 : 0;
  const level = levelKind(q.remaining_permille, isLocked(a, q.group));
  const reset = q.reset_unix_ms !== null && q.reset_unix_ms > Date.now() ? t('quota.resets', { time: span(q.reset_unix_ms - Date.now()) }) : '';
  const age = t('quota.age', { time: span(Date.now() - q.seen_unix_ms) });
  const text = known ? `${share < 10 ? share.toFixed(1) : Math.round(share)}%` : t('quota.unknown');
  return (
    <div class={`quota ${wide ? 'wide' : ''}`} title={[q.group, text, reset, age].filter(Boolean).join(' · ')}>
      <div class="row">
        <span class="clip grow">{q.group}</span>
        <span class={known ? `text-${level === 'ok' ? 'none' : level}` : 'faint'}>{text}</span>
      </div>
      <span class={`bar ${level}`} role="meter" aria-label={q.group} aria-valuemin="0" aria-valuemax="100" aria-valuenow={known ? share.toFixed(1) : undefined} aria-valuetext={`${text} ${reset}`}>
        <i style={{ width: `${share}%` }} />
      </span>
      <div class="row tiny faint">
        <span class="clip grow">{reset}</span>
        <span class="nowrap">{age}</span>
      </div>
    </div>
  );
}
