// parts/history.tsx - an account's past, as far as the gateway kept it: lockouts, and its quotas over time as small lines.
import { dateTime, t, timeOfDay, word } from '../text';
import { Child, Fragment, h } from '../view';
import { scopeName } from './sentences';

export interface Past {
  lockouts: Array<{ at_unix_ms: number; scope: string; reason: string; status: number; until_unix_ms: number | null }>;
  quota: Point[];
}

interface Point {
  at_unix_ms: number;
  group: string;
  remaining_permille: number;
}

// A line in a box of 100 by 24, the last day from left to right.
function Line({ points }: { points: Point[] }): Child {
  const from = points[0]!.at_unix_ms;
  const width = Math.max(1, points[points.length - 1]!.at_unix_ms - from);
  const y = (p: Point): number => 24 - (p.remaining_permille / 1000) * 24;
  const path = points.map((p, i) => `${i ? 'L' : 'M'}${(((p.at_unix_ms - from) / width) * 100).toFixed(2)} ${y(p).toFixed(2)}`).join('');
  return (
    <svg class="spark" viewBox="0 -1 100 26" preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

export function History({ past }: { past: Past | null }): Child {
  if (!past) return null;
  const series = new Map<string, Point[]>();
  for (const p of past.quota) series.set(p.group, [...(series.get(p.group) ?? []), p]);
  const lines = [...series].filter(([, points]) => points.length > 1);
  return (
    <>
      {lines.length > 0 && (
        <section class="part" key="series">
          <h3>{t('history.quota')}</h3>
          {lines.map(([group, points]) => (
            <div class="row" key={group}>
              <span class="small clip spark-name" title={group}>
                {group}
              </span>
              <Line points={points} />
              <span class="small nowrap">{Math.round(points[points.length - 1]!.remaining_permille / 10)}%</span>
            </div>
          ))}
          <p class="tiny faint">{t('history.since', { time: dateTime(past.quota[0]!.at_unix_ms) })}</p>
        </section>
      )}
      {past.lockouts.length > 0 && (
        <section class="part" key="past">
          <h3>{t('history.lockouts')}</h3>
          <ul class="bindings">
            {past.lockouts
              .slice(-20)
              .reverse()
              .map((l) => (
                <li class="row small" key={`${l.scope}-${l.at_unix_ms}`}>
                  <span class="faint nowrap">{dateTime(l.at_unix_ms)}</span>
                  <span class="grow clip">
                    {scopeName(l.scope)}: {word('verdict', l.reason)}
                    {l.status > 0 && <span class="faint"> · HTTP {l.status}</span>}
                  </span>
                  <span class="faint nowrap">{l.until_unix_ms ? `→ ${timeOfDay(l.until_unix_ms)}` : ''}</span>
                </li>
              ))}
          </ul>
        </section>
      )}
    </>
  );
}
