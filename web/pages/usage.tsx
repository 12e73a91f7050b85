// pages/usage.tsx - what requests used: by hour and day, by model, account and client key, and why some failed.
import { get } from '../api';
import { Icon } from '../icons';
import { Live } from '../parts/figures';
import type { Series } from '../parts/bars';
import { openPrices } from '../parts/prices';
import { Page } from '../shell';
import '../shell'; // what every page stands on is one file
import { compact, duration, languageNow, number, percent, t, word } from '../text';
import { Button, Empty, Loader, Segmented } from '../ui';
import { Child, Fragment, h, redraw } from '../view';

type Range = '24h' | '7d' | '30d' | '90d';
type Group = 'model' | 'account' | 'key';

interface Sum {
  requests: number;
  complete: number;
  client_left: number;
  attempts: number;
  tokens_in: number;
  tokens_out: number;
  tokens_cache_read: number;
  tokens_cache_write: number;
  tokens_reasoning: number;
  cost_unknown: number;
  cost_usd: number | null;
  first_byte_ms_mean: number | null;
  [by: string]: unknown;
}

interface Usage {
  by: string;
  from: string;
  rows: Sum[];
  total: Sum;
  rows_dropped: number;
  rows_waiting: number;
}

interface Data {
  over: Usage;
  model: Usage;
  account: Usage;
  key: Usage;
  ending: Usage;
}

let range: Range = '24h';
let group: Group = 'model';
let only: { by: Group; name: string } | null = null;
let chart: 'tokens' | 'requests' = 'tokens';

function query(by: string, extra = ''): string {
  const filter = only ? `&${only.by}=${encodeURIComponent(only.name)}` : '';
  return `api/usage?by=${by}&from=${range}${filter}${extra}`;
}

const data = new Loader<Data>(async () => {
  const [over, model, account, key, ending] = await Promise.all([
    get<Usage>(query(range === '24h' ? 'hour' : 'day')),
    get<Usage>(query('model')),
    get<Usage>(query('account')),
    get<Usage>(query('key')),
    get<Usage>(query('ending')),
  ]);
  return { over, model, account, key, ending };
});

function again(): void {
  void data.load();
}

// The charts' library is the largest file of all: it comes behind the first paint.
let draw: ((p: { id: string; title: string; labels: string[]; series: Series[] }) => Child) | null = null;

function Bars(p: { id: string; title: string; labels: string[]; series: Series[] }): Child {
  if (draw) return draw(p);
  import('../parts/bars').then(
    (m) => {
      draw = m.Bars;
      redraw();
    },
    () => undefined,
  );
  return (
    <div class="figure" aria-busy="true">
      <b>{p.title}</b>
      <div class="canvas" />
    </div>
  );
}

// --- over time ------------------------------------------------------------------------------------------------------------

const HOUR_MS = 3_600_000;

// Every hour or day of the range, those without a request, too. Times are the gateway's own, as it writes them.
function slots(u: Usage): Array<{ label: string; sum: Sum | null }> {
  const byHour = u.by === 'hour';
  const known = new Map(u.rows.map((r) => [String(r[u.by]), r]));
  const zone = /([+-]\d\d:\d\d)$/.exec(u.from)?.[1] ?? '+00:00';
  const shift = (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))) * 60_000;
  const out: Array<{ label: string; sum: Sum | null }> = [];
  const write = new Intl.DateTimeFormat(languageNow(), byHour ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: 'UTC' } : { month: 'short', day: 'numeric', timeZone: 'UTC' });
  let at = Date.parse(byHour ? u.from : `${u.from}T00:00:00Z`);
  const end = Date.now() + (byHour ? 0 : 14 * HOUR_MS); // a day may have begun where the gateway is
  for (let n = 0; at <= end && n < 400; n++, at += byHour ? HOUR_MS : 24 * HOUR_MS) {
    const there = new Date(byHour ? at + shift : at);
    const text = byHour ? `${there.toISOString().slice(0, 19)}${zone}` : there.toISOString().slice(0, 10);
    out.push({ label: write.format(there), sum: known.get(text) ?? null });
  }
  while (!byHour && out.length > 0 && out[out.length - 1]!.sum === null && out.length > parseInt(range, 10)) out.pop();
  return out;
}

const sumOf = (s: Sum | null, name: keyof Sum): number => (s ? Number(s[name]) : 0);

function Chart({ u }: { u: Usage }): Child {
  const list = slots(u);
  const labels = list.map((s) => s.label);
  const pick = (f: (s: Sum | null) => number): number[] => list.map((s) => f(s.sum));
  return (
    <section class="card" aria-label={t('usage.over_time')}>
      <div class="body">
        {chart === 'tokens' ? (
          <Bars
            key="tokens"
            id="tokens"
            title={u.by === 'hour' ? t('usage.tokens_hour') : t('usage.tokens_day')}
            labels={labels}
            series={[
              { label: t('usage.cache_read'), color: '--ok-fill', values: pick((s) => sumOf(s, 'tokens_cache_read')) },
              { label: t('usage.fresh'), color: '--accent', values: pick((s) => Math.max(0, sumOf(s, 'tokens_in') - sumOf(s, 'tokens_cache_read'))) },
              { label: t('usage.out'), color: '--reserve-fill', values: pick((s) => sumOf(s, 'tokens_out')) },
            ]}
          />
        ) : (
          <Bars
            key="requests"
            id="requests"
            title={u.by === 'hour' ? t('usage.requests_hour') : t('usage.requests_day')}
            labels={labels}
            series={[
              { label: t('logs.good'), color: '--accent', values: pick((s) => sumOf(s, 'complete')) },
              { label: t('usage.left'), color: '--off-fill', values: pick((s) => sumOf(s, 'client_left')) },
              { label: t('logs.bad'), color: '--error-fill', values: pick((s) => sumOf(s, 'requests') - sumOf(s, 'complete') - sumOf(s, 'client_left')) },
            ]}
          />
        )}
      </div>
    </section>
  );
}

// --- figures --------------------------------------------------------------------------------------------------------------

function Tile({ label, value, note }: { label: string; value: string; note?: string }): Child {
  return (
    <div class="tile">
      <span class="small dim">{label}</span>
      <b>{value}</b>
      <span class="tiny faint">{note ?? '\u00a0'}</span>
    </div>
  );
}

function cost(s: Sum): string {
  return s.cost_usd === null ? '–' : `$${s.cost_usd < 10 ? s.cost_usd.toFixed(s.cost_usd < 0.1 ? 4 : 2) : number(Math.round(s.cost_usd))}`;
}

const cacheShare = (s: Sum): string => (s.tokens_in > 0 ? percent(Math.min(1, s.tokens_cache_read / s.tokens_in)) : '–');
const failed = (s: Sum): number => s.requests - s.complete - s.client_left;

function Tiles({ s }: { s: Sum }): Child {
  return (
    <div class="tiles">
      <Tile label={t('usage.requests')} value={compact(s.requests)} note={t('usage.attempts', { n: s.attempts })} />
      <Tile label={t('usage.tokens_in')} value={compact(s.tokens_in)} note={t('usage.cache_note', { n: compact(s.tokens_cache_read) })} />
      <Tile label={t('usage.tokens_out')} value={compact(s.tokens_out)} note={s.tokens_reasoning > 0 ? t('usage.reasoning_note', { n: compact(s.tokens_reasoning) }) : undefined} />
      <Tile label={t('usage.cache_share')} value={cacheShare(s)} />
      <Tile label={t('usage.cost')} value={cost(s)} note={s.cost_unknown > 0 ? t('usage.cost_unknown', { n: s.cost_unknown }) : undefined} />
      <Tile label={t('usage.failed')} value={compact(failed(s))} note={s.requests > 0 ? percent(failed(s) / s.requests) : undefined} />
      <Tile label={t('usage.first_byte')} value={duration(s.first_byte_ms_mean)} />
    </div>
  );
}

// --- tables ---------------------------------------------------------------------------------------------------------------

function Table({ u, by }: { u: Usage; by: Group }): Child {
  const rows = [...u.rows].sort((a, b) => b.tokens_in + b.tokens_out - (a.tokens_in + a.tokens_out) || b.requests - a.requests);
  const most = Math.max(1, ...rows.map((r) => r.tokens_in + r.tokens_out));
  return (
    <div class="scroll-x">
      <table class="table usage">
        <thead>
          <tr>
            <th>{t(`usage.by_${by}`)}</th>
            <th class="num">{t('usage.requests')}</th>
            <th class="num">{t('log.in')}</th>
            <th class="num">{t('log.out')}</th>
            <th class="num">{t('log.cache')}</th>
            <th class="num">{t('usage.cost')}</th>
            <th class="num">{t('usage.failed')}</th>
            <th class="num">{t('usage.first_byte')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => {
            const name = String(r[by] ?? '');
            return (
              <tr key={name}>
                <td>
                  <div class="stack tight">
                    {name ? (
                      <button type="button" class="linklike clip" title={t('usage.only', { name })} onClick={() => ((only = { by, name }), again())}>
                        {name}
                      </button>
                    ) : (
                      <span class="faint">{t(`usage.no_${by}`)}</span>
                    )}
                    <span class="bar thin accent" aria-hidden="true">
                      <i style={{ width: `${((r.tokens_in + r.tokens_out) / most) * 100}%` }} />
                    </span>
                  </div>
                </td>
                <td class="num">{compact(r.requests)}</td>
                <td class="num">{compact(r.tokens_in)}</td>
                <td class="num">{compact(r.tokens_out)}</td>
                <td class="num">{cacheShare(r)}</td>
                <td class="num">{cost(r)}</td>
                <td class={`num ${failed(r) > 0 ? 'text-error' : 'faint'}`}>{compact(failed(r))}</td>
                <td class="num faint">{duration(r.first_byte_ms_mean)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Errors({ u }: { u: Usage }): Child {
  const rows = u.rows.filter((r) => r.ending !== 'complete').sort((a, b) => b.requests - a.requests);
  const most = Math.max(1, ...rows.map((r) => r.requests));
  return (
    <section class="card" aria-labelledby="errors-title">
      <div class="head">
        <h2 id="errors-title" class="grow">
          {t('usage.errors')}
        </h2>
      </div>
      <div class="body">
        {rows.length === 0 ? (
          <p class="row text-ok">
            <Icon name="check" /> {t('usage.no_errors')}
          </p>
        ) : (
          <ul class="stack">
            {rows.map((r) => (
              <li class="stack tight" key={String(r.ending)}>
                <div class="row">
                  <span class="grow">{word('ending', String(r.ending))}</span>
                  <b>{number(r.requests)}</b>
                </div>
                <span class={`bar thin ${r.ending === 'client_left' ? 'off' : 'error'}`} aria-hidden="true">
                  <i style={{ width: `${(r.requests / most) * 100}%` }} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function Shown({ d }: { d: Data }): Child {
  return (
    <>
      {d.over.rows_dropped > 0 && <p class="small text-locked">{t('usage.dropped', { n: d.over.rows_dropped })}</p>}
      {d.over.total.requests === 0 ? (
        <Empty icon="chart" title={t('usage.none')} text={t('usage.none_text')} />
      ) : (
        <>
          <Tiles s={d.over.total} />
          <Chart u={d.over} />
          <div class="halves">
            <section class="card grow" aria-label={t('usage.breakdown')}>
              <div class="head">
                <Segmented<Group>
                  label={t('usage.breakdown')}
                  value={group}
                  choices={[
                    { value: 'model', label: t('usage.by_model') },
                    { value: 'account', label: t('usage.by_account') },
                    { value: 'key', label: t('usage.by_key') },
                  ]}
                  onChange={(v) => ((group = v), redraw())}
                />
                <span class="grow" />
                <a class="btn small" href={query(group, '&format=csv')} download={`penstock-usage-${group}.csv`}>
                  <Icon name="download" />
                  CSV
                </a>
              </div>
              <Table u={d[group]} by={group} />
            </section>
            <Errors u={d.ending} />
          </div>
        </>
      )}
    </>
  );
}

function view(): Child {
  return (
    <div class="stack loose usage-page">
      <div class="toolbar">
        <Segmented<Range>
          label={t('usage.range')}
          value={range}
          choices={[
            { value: '24h', label: t('usage.day') },
            { value: '7d', label: t('usage.week') },
            { value: '30d', label: t('usage.month') },
            { value: '90d', label: t('usage.quarter') },
          ]}
          onChange={(v) => ((range = v), again())}
        />
        <Segmented<'tokens' | 'requests'>
          label={t('usage.what')}
          value={chart}
          choices={[
            { value: 'tokens', label: t('trace.tokens') },
            { value: 'requests', label: t('usage.requests') },
          ]}
          onChange={(v) => ((chart = v), redraw())}
        />
        {only && (
          <Button label={t('usage.filter', { name: only.name })} icon="close" kind="small" onClick={() => ((only = null), again())} />
        )}
        <span class="grow" />
        <Button label={t('prices.title')} icon="edit" haspopup="dialog" onClick={openPrices} />
        <Button label={t('do.refresh')} icon="refresh" busy={data.loading} onClick={again} />
        <a class="btn" href={query(range === '24h' ? 'hour' : 'day', '&format=csv')} download="penstock-usage.csv">
          <Icon name="download" />
          {t('usage.export')}
        </a>
      </div>
      {data.view((d) => (
        <Shown d={d} />
      ))}
    </div>
  );
}

let timer = 0;

export const page: Page = {
  view,
  tools: Live,
  enter: () => {
    again();
    timer = window.setInterval(() => document.visibilityState === 'visible' && again(), 60_000);
  },
  leave: () => clearInterval(timer),
};
