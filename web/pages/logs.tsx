// pages/logs.tsx - requests as they come, and why each went where it went.
import { ApiError, get } from '../api';
import { Live } from '../parts/figures';
import { openTrace } from '../parts/trace';
import { Icon } from '../icons';
import { LogRow, live, reload } from '../live';
import { Page, setShortcut } from '../shell';
import { compact, dateTime, duration, isToday, languageNow, percent, shortDate, t, timeOfDay, word } from '../text';
import { isCompact } from '../theme';
import { RequestSummary } from '../types';
import { Button, Empty, Failure, Input, Loading, Rows, Segmented, Select } from '../ui';
import { Child, Fragment, Key, VNode, h, memo, redraw } from '../view';

type Outcome = 'all' | 'good' | 'bad' | 'running';

const asked = { text: '', outcome: 'all' as Outcome, account: '', model: '', key: '' };
let frozen: LogRow[] | null = null; // while paused
let here: string | null = null; // the request that the arrow keys stand on, wherever new ones move it
const rows = new Rows();

const isBad = (r: LogRow): boolean => !r.running && (r.status >= 400 || r.status === 0 || r.ending !== 'complete');

function readAddress(): void {
  const q = new URLSearchParams(location.search);
  asked.account = q.get('account') ?? '';
  asked.model = q.get('model') ?? '';
  asked.key = q.get('key') ?? '';
  asked.text = q.get('text') ?? '';
  const id = q.get('id');
  if (id) openTrace(id);
}

function writeAddress(): void {
  const q = new URLSearchParams();
  for (const name of ['account', 'model', 'key', 'text'] as const) if (asked[name]) q.set(name, asked[name]);
  const text = q.toString();
  history.replaceState(null, '', location.pathname + (text ? `?${text}` : ''));
}

function source(): LogRow[] {
  return withOlder(frozen ?? live.rows);
}

function chosen(): LogRow[] {
  const text = asked.text.trim().toLowerCase();
  if (!text && asked.outcome === 'all' && !asked.account && !asked.model && !asked.key) return source();
  return source().filter(
    (r) =>
      (asked.outcome === 'all' || (asked.outcome === 'running' ? !!r.running : asked.outcome === 'bad' ? isBad(r) : !r.running && !isBad(r))) &&
      (!asked.account || r.account === asked.account) &&
      (!asked.model || r.model === asked.model || r.mapped_model === asked.model) &&
      (!asked.key || r.client_key === asked.key) &&
      (!text || `${r.id} ${r.model} ${r.mapped_model} ${r.account} ${r.client_key} ${r.session} ${r.status} ${r.ending} ${r.protocol}`.toLowerCase().includes(text)),
  );
}

function setPaused(on: boolean): void {
  frozen = on ? live.rows : null;
  redraw();
}

// What there is to choose from; looked through again every two seconds.
const distinct = { atMs: 0, account: [] as string[], model: [] as string[], key: [] as string[] };

function choices(name: 'account' | 'model' | 'key'): string[] {
  if (Date.now() - distinct.atMs > 2000) {
    const sets = [new Set<string>(), new Set<string>(), new Set<string>()] as const;
    for (const r of source()) {
      if (r.account) sets[0].add(r.account);
      if (r.model) sets[1].add(r.model);
      if (r.client_key) sets[2].add(r.client_key);
    }
    [distinct.account, distinct.model, distinct.key] = [[...sets[0]].sort(), [...sets[1]].sort(), [...sets[2]].sort()];
    distinct.atMs = Date.now();
  }
  return distinct[name];
}

// --- older ones: from the gateway's memory, then from usage.db ----------------------------------------------------------

interface OlderPage {
  requests: RequestSummary[];
  next: string | null; // null: nothing older is left
}

const PAGES_AT_ONCE = 4; // a page may hold nothing that fits and still have a next one

const older = { list: [] as RequestSummary[], next: undefined as string | null | undefined, asked: '', busy: false, fault: '' };

function filters(): string {
  const q = new URLSearchParams({ limit: '500' });
  if (asked.text.trim()) q.set('text', asked.text.trim());
  if (asked.account) q.set('account', asked.account);
  if (asked.model) q.set('model', asked.model);
  if (asked.key) q.set('client_key', asked.key);
  return q.toString();
}

async function loadOlder(): Promise<void> {
  if (older.busy) return;
  const q = filters();
  if (q !== older.asked) Object.assign(older, { list: [], next: undefined, asked: q });
  older.busy = true;
  older.fault = '';
  redraw();
  try {
    const shown = chosen().length;
    for (let i = 0; i < PAGES_AT_ONCE && older.next !== null && chosen().length <= shown; i++) {
      const got = await get<OlderPage>(`api/requests?${q}${older.next ? `&before=${encodeURIComponent(older.next)}` : ''}`);
      if (older.asked !== filters()) break; // something else is wanted by now
      older.list = [...older.list, ...got.requests];
      older.next = got.next;
    }
  } catch (error) {
    const e = error as ApiError;
    older.fault = e.status === 0 ? t('state.offline') : e.message;
  }
  older.busy = false;
  redraw();
}

// Near the end of what is shown, the next page is asked for by itself; after a fault only by the button.
function onScroll(event: Event): void {
  rows.onScroll();
  const el = event.target as HTMLElement;
  if (el.scrollTop > 0 && el.scrollHeight - el.scrollTop - el.clientHeight < 300 && !(older.asked === filters() && (older.next === null || older.fault)) && !frozen) void loadOlder();
}

// What came meanwhile stands above, what is older below it, nothing twice.
function withOlder(rows: LogRow[]): LogRow[] {
  if (older.list.length === 0 || older.asked !== filters()) return rows;
  const known = new Set(rows.map((r) => r.id));
  return [...rows, ...older.list.filter((r) => !known.has(r.id))];
}

// --- one row ------------------------------------------------------------------------------------------------------------

export function statusKind(r: { status: number; ending: string; running?: boolean }): string {
  if (r.running) return 'accent';
  if (r.status === 0) return 'off';
  if (r.status === 429 || r.status === 529 || r.status === 503) return 'locked';
  return r.status >= 400 || r.ending !== 'complete' ? 'error' : 'ok';
}

const count = (n: number | null): string => (n === null ? '–' : compact(n));

function cacheOf(r: LogRow): string {
  const { in: input, cache_read: read } = r.tokens;
  return input && read !== null ? percent(Math.min(1, read / input)) : '–';
}

function Row({ r, here, first }: { r: LogRow; here: boolean; first: boolean }): Child {
  const mapped = r.mapped_model && r.mapped_model !== r.model;
  return (
    <div class={`line log ${here ? 'here' : ''}`} role="row" key={r.id} data-id={r.id}>
      <span role="cell" class="l-time faint mono" title={dateTime(r.started_unix_ms)}>
        {isToday(r.started_unix_ms) ? timeOfDay(r.started_unix_ms) : shortDate(r.started_unix_ms)}
      </span>
      <span role="cell" class="l-status">
        <span class={`chip ${statusKind(r)}`} title={r.running ? '' : word('ending', r.ending)}>
          {r.running ? t('logs.running') : r.status || t('logs.no_status')}
        </span>
      </span>
      <span role="cell" class="l-model clip" title={mapped ? `${r.model} → ${r.mapped_model}` : r.model ?? ''}>
        <button type="button" class="linklike clip" tabindex={here || first ? 0 : -1}>
          {r.model ?? r.protocol}
        </button>
        {mapped && <span class="faint"> → {r.mapped_model}</span>}
      </span>
      <span role="cell" class="l-account clip" title={r.account ?? ''}>{r.account ?? '–'}</span>
      <span role="cell" class="l-client clip faint" title={r.client_key ?? ''}>{r.client_key ?? word('protocol', r.protocol)}</span>
      <span role="cell" class={`l-num ${r.attempt_count > 1 ? 'text-locked' : 'faint'}`}>{r.attempt_count}</span>
      <span role="cell" class="l-num">{count(r.tokens.in)}</span>
      <span role="cell" class="l-num">{count(r.tokens.out)}</span>
      <span role="cell" class="l-num faint">{cacheOf(r)}</span>
      <span role="cell" class="l-num faint">{duration(r.first_byte_ms)}</span>
      <span role="cell" class="l-num">{r.running ? duration(Math.max(0, Date.now() - r.started_unix_ms)) : duration(r.duration_ms)}</span>
    </div>
  );
}

// --- the page -------------------------------------------------------------------------------------------------------------

let kept = new Map<Key, { from: unknown[]; made: VNode }>();

function rowHeight(): number {
  return innerWidth <= 560 ? 54 : isCompact() ? 28 : 34;
}

function List({ list }: { list: LogRow[] }): Child {
  const height = rowHeight();
  const w = rows.window(list.length, height);
  const stands = here !== null && list.some((r) => r.id === here);
  if (kept.size > 3000) kept = new Map();
  const head = ['time', 'status', 'model', 'account', 'client', 'attempts', 'in', 'out', 'cache', 'first', 'duration'] as const;
  const classes = ['l-time', 'l-status', 'l-model', 'l-account', 'l-client', 'l-num', 'l-num', 'l-num', 'l-num', 'l-num', 'l-num'];
  return (
    <div
      class={`lines logs ${list.length > 0 && !isToday(list[list.length - 1]!.started_unix_ms) ? 'dated' : ''}`}
      ref={rows.list}
      role="table"
      aria-label={t('nav.logs')}
      aria-rowcount={list.length + 1}
      onClick={(e: Event) => {
        const id = (e.target as Element).closest<HTMLElement>('[data-id]')?.dataset.id;
        if (!id) return;
        here = id;
        openTrace(id, list.find((r) => r.id === id));
      }}
      onKeydown={(e: KeyboardEvent) => move(e, list)}
    >
      <div class="line head log" role="row">
        {head.map((name, i) => (
          <span role="columnheader" class={classes[i]} key={name}>
            {t(`log.${name}`)}
          </span>
        ))}
      </div>
      <div style={{ height: `${w.before}px` }} role="presentation" />
      {list.slice(w.from, w.to).map((r, i) => {
        const index = w.from + i;
        const isHere = stands && r.id === here;
        const first = !stands && index === 0;
        return memo(kept, r.id, [r, isHere, first, r.running ? Math.floor(Date.now() / 500) : 0, languageNow()], () => <Row r={r} here={isHere} first={first} />);
      })}
      <div style={{ height: `${w.after}px` }} role="presentation" />
    </div>
  );
}

function move(e: KeyboardEvent, list: LogRow[]): void {
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, j: 1, k: -1 }[e.key];
  if (!step && e.key !== 'Home' && e.key !== 'End') return;
  e.preventDefault();
  const from = list.findIndex((r) => r.id === here);
  const at = e.key === 'Home' ? 0 : e.key === 'End' ? list.length - 1 : Math.max(0, Math.min(list.length - 1, Math.max(0, from) + step!));
  here = list[at]?.id ?? null;
  rows.show(at, rowHeight());
  redraw();
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector<HTMLElement>('.line.here button')?.focus({ preventScroll: true })));
}

function Bar(): Child {
  const pick = (id: 'account' | 'model' | 'key', all: string, values: string[]): Child =>
    (values.length > 0 || asked[id]) && (
      <Select
        id={`log-${id}`}
        label={all}
        value={asked[id]}
        options={[['', all], ...[...new Set([...values, ...(asked[id] ? [asked[id]] : [])])].map((v) => [v, v] as const)]}
        onChange={(v) => {
          asked[id] = v;
          writeAddress();
          redraw();
        }}
      />
    );
  const isAsked = asked.text || asked.account || asked.model || asked.key || asked.outcome !== 'all';
  return (
    <div class="toolbar logbar">
      <div class="search">
        <Icon name="search" />
        <Input
          id="log-search"
          label={t('logs.search')}
          placeholder={t('logs.search')}
          value={asked.text}
          onInput={(v) => {
            asked.text = v;
            writeAddress();
            redraw();
          }}
        />
      </div>
      <Segmented<Outcome>
        label={t('logs.outcome')}
        value={asked.outcome}
        choices={[
          { value: 'all', label: t('logs.all') },
          { value: 'good', label: t('logs.good') },
          { value: 'bad', label: t('logs.bad') },
          { value: 'running', label: t('logs.running') },
        ]}
        onChange={(v) => ((asked.outcome = v), redraw())}
      />
      {pick('account', t('logs.any_account'), choices('account'))}
      {pick('model', t('logs.any_model'), choices('model'))}
      {pick('key', t('logs.any_key'), choices('key'))}
      {isAsked && (
        <Button
          label={t('do.clear_filter')}
          kind="quiet"
          onClick={() => {
            Object.assign(asked, { text: '', outcome: 'all', account: '', model: '', key: '' });
            writeAddress();
            redraw();
          }}
        />
      )}
      <span class="grow" />
      <Button label={frozen ? t('logs.resume') : t('logs.pause')} icon={frozen ? 'play' : 'pause'} pressed={!!frozen} onClick={() => setPaused(!frozen)} />
    </div>
  );
}

function Older(): Child {
  const mine = older.asked === filters();
  const last = mine ? older.list[older.list.length - 1] : undefined;
  return (
    <div class="older stack">
      {mine && older.fault && (
        <p class="wrong" role="alert">
          {t('logs.older_failed', { why: older.fault })}
        </p>
      )}
      {mine && older.next === null ? (
        <span class="small faint">{t('logs.end')}</span>
      ) : (
        <Button label={mine && older.fault ? t('do.retry') : t('logs.older')} kind="quiet" busy={older.busy} onClick={() => void loadOlder()} />
      )}
      {last && older.next !== null && <span class="tiny faint">{t('logs.looked_back', { time: dateTime(last.started_unix_ms) })}</span>}
    </div>
  );
}

function view(): Child {
  if (!live.rowsKnown && live.rows.length === 0 && !live.error) return <Loading rows={8} height={30} />;
  if (live.error && live.rows.length === 0) return <Failure error={live.error} retry={reload} />;
  const list = chosen();
  const waiting = frozen ? live.rows.findIndex((r) => r.id === frozen![0]?.id) : 0;
  return (
    <>
      {live.rows.length > 0 && <Bar />}
      {frozen && (
        <p class="small dim paused" role="status">
          {t('logs.paused', { n: waiting < 0 ? live.rows.length : waiting })}
        </p>
      )}
      {source().length === 0 ? (
        <Empty icon="list" title={t('logs.none')} text={t('logs.none_text')}>
          <a class="btn" href="connect">
            {t('nav.connect')}
          </a>
        </Empty>
      ) : list.length === 0 ? (
        <Empty icon="filter" title={t('logs.no_match')}>
          <Older />
        </Empty>
      ) : (
        <div class="scroller" ref={rows.scroller} onScroll={onScroll} tabindex="-1">
          <List list={list} />
          <Older />
        </div>
      )}
    </>
  );
}

let ends: Array<() => void> = [];

export const page: Page = {
  view,
  fill: true,
  tools: Live,
  enter: () => {
    readAddress();
    ends = [setShortcut('/', 'logs.search', () => document.getElementById('log-search')?.focus()), setShortcut('p', 'logs.pause', () => setPaused(!frozen))];
  },
  leave: () => {
    ends.forEach((end) => end());
    frozen = null;
    here = null;
  },
};
