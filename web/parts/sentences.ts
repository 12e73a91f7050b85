// parts/sentences.ts - what happened to a request, in sentences of the person's language. In English the gateway's own are shown.
import { left, providerName } from '../standing';
import { duration, languageNow, number, span, t, word } from '../text';
import { Attempt, Layer, Pick, RequestTrace } from '../types';

const all = (parts: Array<string | false | null | undefined>): string => parts.filter(Boolean).join(t('say.comma'));

export function scopeName(scope: string): string {
  return scope === 'account' || scope === 'host' ? t(`scope.${scope}`) : scope;
}

function asked(r: RequestTrace): string {
  const protocol = word('protocol', r.protocol);
  return all([
    r.model ? t('say.asked', { protocol, model: r.model }) : t('say.asked_none', { protocol }),
    r.stream && t('trace.stream'),
    r.mapped_model && r.mapped_model !== r.model && t('say.mapped', { model: r.mapped_model }),
    r.session ? t('say.session', { session: r.session }) : t('say.no_session'),
    r.client_key && t('say.key', { key: r.client_key }),
  ]);
}

function layer(key: 'say.layer_fixed' | 'say.layer_bound' | 'say.layer_recent', l: Layer | null): string | null {
  if (!l || l.fate === 'absent' || l.fate === 'taken') return null;
  return all([t(key, { account: l.account, fate: word('fate', l.fate) }), l.skip && word('skip', l.skip)]);
}

function passed(p: Pick, momentMs: number): string | null {
  if (p.passed.length === 0) return null;
  const list = p.passed.map((one) =>
    t('say.passed_one', { account: one.account, why: all([word('skip', one.skip), word('verdict', one.verdict), one.until_unix_ms !== null && one.until_unix_ms > momentMs && t('until.in', { time: span(one.until_unix_ms - momentMs) })]) }),
  );
  if (p.passed_more > 0) list.push(t('trace.more', { n: p.passed_more }));
  return t('say.passed', { list: list.join(t('say.semicolon')) });
}

function search(p: Pick, momentMs: number): Array<string | null> {
  return [layer('say.layer_fixed', p.fixed), layer('say.layer_bound', p.bound), layer('say.layer_recent', p.recent), passed(p, momentMs)];
}

function outcome(a: Attempt): string {
  return all([
    t('say.after', { time: duration(a.duration_ms), verdict: word('verdict', a.verdict) }),
    a.status > 0 && t('say.status', { n: String(a.status) }),
    a.tokens.in !== null && t('say.tokens_in', { n: a.tokens.in }),
    a.tokens.out !== null && t('say.tokens_out', { n: a.tokens.out }),
    a.delay_ms !== null && t('trace.delay', { time: span(a.delay_ms) }),
    a.lockout && t('trace.lockout', { scope: scopeName(a.lockout.scope) }),
    a.lockout && (a.lockout.until_unix_ms === null ? left(null) : t('until.in', { time: span(a.lockout.until_unix_ms - a.started_unix_ms - a.duration_ms) })),
  ]);
}

function attempt(a: Attempt): Array<string | null> {
  return [
    a.waited_ms > 0 ? t('trace.waited', { time: duration(a.waited_ms) }) : null,
    all([t('say.attempt', { n: a.number, account: a.account, provider: providerName(a.provider), reason: word('reason', a.pick.reason) }), a.pick.probe && t('trace.probe')]),
    ...search(a.pick, a.started_unix_ms),
    outcome(a),
  ];
}

function nobody(p: Pick, endedMs: number): Array<string | null> {
  const skipped = Object.entries(p.skipped).filter(([, n]) => n > 0);
  return [
    all([t('say.nobody'), p.free_at_unix_ms !== null && p.free_at_unix_ms > endedMs && t('say.free_at', { time: span(p.free_at_unix_ms - endedMs) })]),
    skipped.length > 0 ? t('say.skipped', { list: all(skipped.map(([why, n]) => `${number(n)} ${word('skip', why)}`)) }) : null,
    ...search(p, endedMs),
  ];
}

export function sentences(r: RequestTrace): string[] {
  if (languageNow() === 'en') return r.explanation;
  const time = duration(r.duration_ms);
  const ending = word('ending', r.ending);
  return [
    asked(r),
    ...r.attempts.flatMap(attempt),
    ...(r.nobody_free ? nobody(r.nobody_free, r.started_unix_ms + r.duration_ms) : []),
    r.status > 0 ? t('say.end', { n: String(r.status), time, ending }) : t('say.end_none', { time, ending }),
  ].filter((one): one is string => one !== null);
}
