// parts/history.tsx - an account's past, as far as the gateway kept it: lockouts, and its quotas over time as small lines.
import { dateTime, t, timeOfDay, word } from '../text';
import { Child, Fragment, h } from '../view';

interface PastLockout {
  scope: string;
  reason: string;
  since_unix_ms: number;
  until_unix_ms: number | null;
}

interface Point {
  at_unix_ms: number;
  remaining_permille: number | null;
}

// A line in a box of 100 by 24, the last day from left to right.
function Line({ points }: { points: Point[] }): Child {
  const known = points.filter((p) => p.remaining_permille !== null);
  if (known.length < 2) return null;
  const from = known[0]!.at_unix_ms;
  const width = Math.max(1, known[known.length - 1]!.at_unix_ms - from);
  const path = known.map((p, i) => `${i ? 'L' : 'M'}${((p.at_unix_ms - from) / width) * 100} ${24 - (p.remaining_permille! / 1000) * 24}`).join('');
  return (
    <svg class="spark" viewBox="0 -1 100 26" preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

export function History({ details }: { details: { lockout_history?: PastLockout[]; quota_history?: Array<{ group: string; points: Point[] }> } | null }): Child {
  const past = details?.lockout_history ?? [];
  const series = (details?.quota_history ?? []).filter((s) => s.points.length > 1);
  return (
    <>
      {series.length > 0 && (
        <section class="part" key="series">
          <h3>{t('history.quota')}</h3>
          {series.map((s) => (
            <div class="row" key={s.group}>
              <span class="small clip spark-name">{s.group}</span>
              <Line points={s.points} />
            </div>
          ))}
        </section>
      )}
      {past.length > 0 && (
        <section class="part" key="past">
          <h3>{t('history.lockouts')}</h3>
          <ul class="bindings">
            {past.slice(0, 20).map((l) => (
              <li class="row small" key={`${l.scope}-${l.since_unix_ms}`}>
                <span class="faint nowrap">{dateTime(l.since_unix_ms)}</span>
                <span class="grow clip">
                  {l.scope}: {word('verdict', l.reason)}
                </span>
                <span class="faint nowrap">{l.until_unix_ms ? timeOfDay(l.until_unix_ms) : ''}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
