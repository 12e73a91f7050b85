// parts/trace.tsx - one request in full: what happened, attempt by attempt, and why.
import { get, part } from '../api';
import { Icon } from '../icons';
import { LogRow, live } from '../live';
import { left, providerName } from '../standing';
import { compact, dateTime, duration, number, span, t, timeOfDay, word } from '../text';
import { Attempt, Layer, Pick, RequestSummary, RequestTrace } from '../types';
import { Button, Loader, Prose, copyAndSay, openDialog } from '../ui';
import { Child, Fragment, h, redraw } from '../view';
import { scopeName, sentences } from './sentences';

const unfolded = new Set<string>();

function Passed({ pick }: { pick: Pick }): Child {
  const layers: Array<[string, Layer | null]> = [
    [t('trace.fixed'), pick.fixed],
    [t('trace.bound'), pick.bound],
    [t('trace.recent'), pick.recent],
  ];
  return (
    <div class="stack tight small">
      <div class="row wrap">
        <span class="chip">{pick.mode}</span>
        {pick.tier && <span class="chip">{pick.tier}</span>}
        {pick.remaining_permille !== null && <span class="faint">{t('trace.remaining', { n: Math.round(pick.remaining_permille / 10) })}</span>}
        <span class="faint">{t('trace.inflight', { n: pick.in_flight })}</span>
        <span class="faint">{t('trace.usable', { n: pick.usable })}</span>
        {pick.probe && <span class="chip locked">{t('trace.probe')}</span>}
      </div>
      {layers.map(
        ([name, l]) =>
          l && (
            <div class="row" key={name}>
              <span class="faint">{name}</span>
              <span>{l.account}</span>
              <span class="dim">
                {word('fate', l.fate)}
                {l.skip && `: ${word('skip', l.skip)}`}
              </span>
            </div>
          ),
      )}
      {pick.passed.length > 0 && (
        <div class="scroll-x">
          <table class="table passed">
            <thead>
              <tr>
                <th>{t('trace.passed')}</th>
                <th>{t('trace.because')}</th>
                <th>{t('trace.until')}</th>
              </tr>
            </thead>
            <tbody>
              {pick.passed.map((p) => (
                <tr key={p.account_id}>
                  <td>{p.account}</td>
                  <td>
                    {word('skip', p.skip)}
                    {p.verdict && <span class="faint"> ({word('verdict', p.verdict)})</span>}
                  </td>
                  <td class="faint nowrap">{p.until_unix_ms ? (p.until_unix_ms > Date.now() ? left(p.until_unix_ms) : timeOfDay(p.until_unix_ms)) : ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {pick.passed_more > 0 && <p class="faint">{t('trace.more', { n: pick.passed_more })}</p>}
        </div>
      )}
    </div>
  );
}

function AttemptCard({ a, of, request }: { a: Attempt; of: number; request: string }): Child {
  const name = `${request}-${a.number}`;
  const open = unfolded.has(name) || of === 1;
  const good = a.verdict === 'success';
  return (
    <li class="attempt" key={name}>
      <span class={`mark ${good ? 'ok' : 'error'}`} aria-hidden="true">
        {a.number}
      </span>
      <div class="stack tight">
        <button
          type="button"
          class="row wrap unfold"
          aria-expanded={String(open)}
          onClick={() => {
            if (unfolded.has(name)) unfolded.delete(name);
            else unfolded.add(name);
            redraw();
          }}
        >
          <b>{a.account}</b>
          <span class="faint">{providerName(a.provider)}</span>
          <span class={`chip ${good ? 'ok' : 'error'}`}>
            {word('verdict', a.verdict)}
            {a.status > 0 && ` · ${a.status}`}
          </span>
          <span class="dim">{word('reason', a.pick.reason)}</span>
          <span class="grow" />
          <span class="faint nowrap">{duration(a.duration_ms)}</span>
          {of > 1 && <Icon name={open ? 'up' : 'down'} />}
        </button>
        {a.waited_ms > 0 && <span class="small faint">{t('trace.waited', { time: duration(a.waited_ms) })}</span>}
        {a.delay_ms !== null && a.delay_ms > 0 && <span class="small faint">{t('trace.delay', { time: span(a.delay_ms) })}</span>}
        {a.lockout && (
          <span class="small text-locked">
            {t('trace.lockout', { scope: scopeName(a.lockout.scope) })} {a.lockout.until_unix_ms ? `· ${timeOfDay(a.lockout.until_unix_ms)}` : ''}
          </span>
        )}
        {open && <Passed pick={a.pick} />}
      </div>
    </li>
  );
}

const count = (n: number | null): string => (n === null ? '–' : number(n));

function Head({ r }: { r: RequestSummary | RequestTrace }): Child {
  const good = r.ending === 'complete' && r.status < 400;
  return (
    <div class="row wrap">
      <span class={`chip ${good ? 'ok' : 'error'}`}>{r.status || t('logs.no_status')}</span>
      <span>{word('ending', r.ending)}</span>
      <span class="faint">{dateTime(r.started_unix_ms)}</span>
      <span class="grow" />
      <Button label={t('do.copy_id')} icon="copy" kind="small quiet" onClick={() => void copyAndSay(r.id)} />
    </div>
  );
}

// What was asked for, and by whom: rows of a list of facts.
function Asked({ r }: { r: RequestSummary | RequestTrace }): Child {
  return (
    <>
      <dt>{t('log.model')}</dt>
      <dd>
        {r.model ?? '–'}
        {r.mapped_model && r.mapped_model !== r.model && ` → ${r.mapped_model}`}
      </dd>
      <dt>{t('log.client')}</dt>
      <dd>
        {word('protocol', r.protocol)} {r.stream && <span class="faint">{t('trace.stream')}</span>} {r.client_key}
      </dd>
    </>
  );
}

// `full` has what is kept of recent requests only.
function Facts({ r, full }: { r: RequestSummary | RequestTrace; full?: RequestTrace }): Child {
  return (
    <section class="part">
      <h3>{t('trace.facts')}</h3>
      <dl class="kv">
        <Asked r={r} />
        {full && <dt>{t('trace.session')}</dt>}
        {full && <dd class="mono">{r.session ?? '–'}</dd>}
        <dt>{t('trace.tokens')}</dt>
        <dd>
          {count(r.tokens.in)} {t('log.in')} · {count(r.tokens.out)} {t('log.out')} · {count(r.tokens.cache_read)} {t('trace.cache_read')} · {count(r.tokens.cache_write)} {t('trace.cache_write')}
          {r.tokens.reasoning !== null && ` · ${number(r.tokens.reasoning)} ${t('trace.reasoning')}`}
        </dd>
        <dt>{t('log.first')}</dt>
        <dd>{duration(r.first_byte_ms)}</dd>
        <dt>{t('log.duration')}</dt>
        <dd>{duration(r.duration_ms)}</dd>
        {full && <dt>{t('trace.bytes')}</dt>}
        {full && (
          <dd>
            {compact(full.bytes_in)} ↑ {compact(full.bytes_out)} ↓
          </dd>
        )}
        {full && <dt>{t('trace.path')}</dt>}
        {full && <dd class="mono">{full.path ?? '–'}</dd>}
        <dt>{t('trace.id')}</dt>
        <dd class="mono">{r.id}</dd>
      </dl>
    </section>
  );
}

function Trace({ r }: { r: RequestTrace }): Child {
  return (
    <div class="stack loose">
      <Head r={r} />
      {r.explanation.length > 0 && (
        <ol class="explain">
          {sentences(r).map((line, i) => (
            <li key={i}>
              <Prose text={line} />
            </li>
          ))}
        </ol>
      )}
      {r.attempts.length > 0 && (
        <section class="part">
          <h3>{t('trace.attempts')}</h3>
          <ol class="attempts">
            {r.attempts.map((a) => (
              <AttemptCard key={a.number} a={a} of={r.attempts.length} request={r.id} />
            ))}
          </ol>
        </section>
      )}
      {r.nobody_free && (
        <section class="part">
          <h3>{t('trace.nobody')}</h3>
          <Passed pick={r.nobody_free} />
        </section>
      )}
      <Facts r={r} full={r} />
    </div>
  );
}

// One whose decision is not kept any more: what usage.db knows of it.
function Kept({ r }: { r: RequestSummary }): Child {
  return (
    <div class="stack loose">
      <Head r={r} />
      <p class="row dim">
        <Icon name="info" /> {t('trace.kept')}
      </p>
      {r.attempts && r.attempts.length > 0 && (
        <section class="part">
          <h3>{t('trace.attempts')}</h3>
          <ol class="attempts">
            {r.attempts.map((a) => (
              <li class="attempt" key={a.number}>
                <span class={`mark ${a.verdict === 'success' ? 'ok' : 'error'}`} aria-hidden="true">
                  {a.number}
                </span>
                <div class="row wrap">
                  <b>{a.account}</b>
                  <span class="faint">{providerName(a.provider)}</span>
                  <span class={`chip ${a.verdict === 'success' ? 'ok' : 'error'}`}>
                    {word('verdict', a.verdict)}
                    {a.status > 0 && ` · ${a.status}`}
                  </span>
                  <span class="grow" />
                  <span class="faint nowrap">{duration(a.duration_ms)}</span>
                </div>
              </li>
            ))}
          </ol>
        </section>
      )}
      <Facts r={r} />
    </div>
  );
}

// One that runs: its attempts as they are told.
function Running({ r }: { r: LogRow }): Child {
  const tries = r.tries ?? [];
  return (
    <div class="stack loose">
      <div class="row wrap" role="status">
        <span class="chip accent">{t('logs.running')}</span>
        <span class="dim">{t('trace.running', { time: duration(Math.max(0, Date.now() - r.started_unix_ms)) })}</span>
        {r.first_byte_ms !== null && (
          <span class="faint">
            {t('log.first')}: {duration(r.first_byte_ms)}
          </span>
        )}
      </div>
      <section class="part">
        <h3>{t('trace.attempts')}</h3>
        {tries.length === 0 && <p class="small faint">{t('trace.searching')}</p>}
        <ol class="attempts">
          {tries.map((a) => (
            <li class="attempt" key={a.number}>
              <span class={`mark ${a.verdict === null ? '' : a.verdict === 'success' ? 'ok' : 'error'}`} aria-hidden="true">
                {a.number}
              </span>
              <div class="row wrap">
                <b>{a.account}</b>
                <span class="faint">{providerName(a.provider)}</span>
                <span class={`chip ${a.verdict === null ? 'accent' : a.verdict === 'success' ? 'ok' : 'error'}`}>
                  {a.verdict === null ? t('trace.asking') : word('verdict', a.verdict)}
                  {!!a.status && ` · ${a.status}`}
                </span>
                <span class="dim">{word('reason', a.reason)}</span>
              </div>
            </li>
          ))}
        </ol>
      </section>
      <dl class="kv">
        <Asked r={r} />
        <dt>{t('trace.id')}</dt>
        <dd class="mono">{r.id}</dd>
      </dl>
    </div>
  );
}

// `row`: what a list knows of it, for while it runs and for when its trace is gone.
export function openTrace(id: string, row?: LogRow): void {
  const trace = new Loader<RequestTrace>(() => get<RequestTrace>(`api/requests/${part(id)}`));
  const now = (): LogRow | undefined => live.rows.find((r) => r.id === id) ?? row;
  openDialog({
    kind: 'drawer',
    title: () => trace.data?.model ?? row?.model ?? t('trace.title'),
    body: () => {
      const r = now();
      if (r?.running) return <Running r={r} />;
      if (r?.trace === false) return <Kept r={r} />;
      if (trace.error?.status !== 404) return <>{trace.view((full) => <Trace r={full} />, 5)}</>;
      return r ? <Kept r={r} /> : <p class="dim">{t('trace.gone')}</p>;
    },
  });
}
