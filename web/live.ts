// live.ts - what the gateway is doing, as far as every page shows it: accounts, scheduling, the last requests, figures.
//
// One event stream feeds it (GET /api/events). Where that cannot be opened or breaks off, everything is asked for again every few
// seconds; the pages keep what they have, and say how old it is.
import { ApiError, get } from './api';
import { look, session } from './session';
import { setCompactDefault } from './theme';
import { Account, RequestSummary, Scheduling, Status } from './types';
import { redraw } from './view';

export interface LiveAttempt {
  number: number;
  account: string;
  provider: string;
  reason: string;
  verdict: string | null;
  status: number | null;
}

export interface LogRow extends RequestSummary {
  running?: boolean;
  tries?: LiveAttempt[]; // of one that was seen running
}

export interface Totals {
  running: number;
  streams: number;
  requests_per_second_milli: number;
  failed_per_minute: number;
  tokens_in_per_minute: number;
  tokens_out_per_minute: number;
  cache_hit_permille: number | null;
}

export interface Notice {
  kind: string;
  text: string | null;
  [more: string]: unknown;
}

export const ROWS_MAX = 2000;
const RETRY_MS = 3000;
const LOST_MS = 4000; // shorter gaps are not worth a word

export const live = {
  link: 'connecting' as 'connecting' | 'live' | 'lost',
  heardMs: Date.now(),
  accounts: null as Account[] | null,
  error: null as ApiError | null,
  scheduling: null as Scheduling | null,
  status: null as Status | null,
  rows: [] as LogRow[], // the newest first
  rowsKnown: false,
  totals: null as Totals | null,
  notices: null as Notice[] | null, // before the first event
  settingsRevision: 0,
};

// --- asking for it ------------------------------------------------------------------------------------------------------

function heard(): void {
  live.link = 'live';
  live.heardMs = Date.now();
  live.error = null;
}

async function ask<T>(path: string, take: (data: T) => void): Promise<void> {
  try {
    take(await get<T>(path));
    if (live.link !== 'live') heard();
  } catch (error) {
    live.error = error instanceof ApiError ? error : new ApiError(0, '');
    if (live.error.status === 0) live.link = 'lost';
  }
  redraw();
}

export const loadAccounts = (): Promise<void> => ask<{ accounts: Account[] }>('api/accounts', (d) => (live.accounts = d.accounts));
export const loadScheduling = (): Promise<void> => ask<Scheduling>('api/scheduling', (d) => (live.scheduling = d));
export const loadStatus = (): Promise<void> => ask<Status>('api/status', (d) => (live.status = d));
const loadRequests = (): Promise<void> =>
  ask<{ requests: RequestSummary[] }>('api/requests?limit=200', (d) => {
    const ids = new Set(d.requests.map((r) => r.id));
    live.rows = [...live.rows.filter((r) => r.running && !ids.has(r.id)), ...d.requests].slice(0, ROWS_MAX);
    live.rowsKnown = true;
  });

export function reload(): void {
  void loadAccounts();
  void loadScheduling();
  void loadStatus();
  void loadRequests();
}

export function putAccount(account: Account): void {
  const at = live.accounts?.findIndex((a) => a.id === account.id) ?? -1;
  if (!live.accounts) live.accounts = [account];
  else if (at < 0) live.accounts = [...live.accounts, account];
  else live.accounts = live.accounts.map((a, i) => (i === at ? account : a));
  redraw();
}

// --- being told ---------------------------------------------------------------------------------------------------------

const NO_TOKENS = { in: null, out: null, cache_read: null, cache_write: null, reasoning: null };

const at = new Map<string, LogRow>(); // the rows that run

function began(n: any): void {
  if (at.has(n.id)) return;
  const row: LogRow = {
    id: n.id,
    started_unix_ms: n.started_unix_ms,
    protocol: n.protocol,
    stream: n.stream,
    model: n.model,
    mapped_model: n.mapped_model,
    session: n.session,
    client_key: n.client_key,
    account: null,
    provider: null,
    status: 0,
    ending: '',
    attempt_count: 0,
    first_byte_ms: null,
    duration_ms: 0,
    tokens: NO_TOKENS,
    running: true,
    tries: [],
  };
  at.set(n.id, row);
  live.rows.unshift(row);
}

// Rows are replaced, never changed, so that what was drawn from one can be kept as long as it is the same.
function replace(row: LogRow, by: LogRow): void {
  const i = live.rows.indexOf(row);
  if (i >= 0) live.rows[i] = by;
}

function update(id: string, change: (row: LogRow) => Partial<LogRow>): void {
  const row = at.get(id);
  if (!row) return;
  const now = { ...row, ...change(row) };
  at.set(id, now);
  replace(row, now);
}

function ended(r: RequestSummary): void {
  const row = at.get(r.id);
  at.delete(r.id);
  if (row) replace(row, { ...r, tries: row.tries });
  else if (!live.rows.slice(0, 600).some((known) => known.id === r.id)) live.rows.unshift(r);
}

function requests(d: { news: any[]; ended: RequestSummary[]; lost: number }): void {
  live.rows = live.rows.slice(0, ROWS_MAX); // another array: who paused keeps the one before
  for (const n of d.news)
    if (n.what === 'began') began(n);
    else if (n.what === 'content') update(n.id, () => ({ first_byte_ms: n.first_byte_ms }));
    else
      update(n.id, (row) => ({
        account: n.account,
        provider: n.provider,
        attempt_count: Math.max(row.attempt_count, n.number),
        tries: [...(row.tries ?? []).filter((one) => one.number !== n.number), n],
      }));
  for (const r of d.ended) ended(r);
  if (d.lost > 0) void loadRequests();
}

const handlers: Record<string, (data: any) => void> = {
  snapshot: (d) => {
    live.accounts = d.accounts;
    live.scheduling = d.scheduling;
    live.notices = d.notices;
    live.settingsRevision = d.settings.revision;
    setCompactDefault(d.settings.compact);
    for (const row of at.values()) replace(row, { ...row, running: false });
    at.clear();
    live.rows = live.rows.filter((r) => r.status > 0 || r.ending !== '');
    void loadRequests();
    void loadStatus();
    if (d.account_count > d.accounts.length) void loadAccounts();
  },
  accounts: (d: { changed?: Account[]; removed?: number[] }) => {
    const changed = new Map((d.changed ?? []).map((a) => [a.id, a]));
    const gone = new Set(d.removed ?? []);
    const known = new Set<number>();
    const kept = (live.accounts ?? []).filter((a) => !gone.has(a.id)).map((a) => (known.add(a.id), changed.get(a.id) ?? a));
    live.accounts = [...kept, ...[...changed.values()].filter((a) => !known.has(a.id))];
  },
  requests,
  totals: (d: Totals) => (live.totals = d),
  settings: (d) => {
    live.settingsRevision = d.revision;
    setCompactDefault(d.compact);
    session.info = { ...session.info, privacy: d.privacy, compact: d.compact };
    onSettings(!!d.changed_on_disk);
  },
  scheduling: (d: Scheduling) => (live.scheduling = d),
  notices: (d: { notices: Notice[] }) => {
    live.notices = d.notices;
    void loadStatus();
  },
  resync: () => undefined, // a snapshot follows
  bye: (d: { why: string }) => {
    if (d.why === 'login') void look();
  },
};

let onSettings: (onDisk: boolean) => void = () => {};

export function whenSettingsChange(hook: (onDisk: boolean) => void): void {
  onSettings = hook;
}

// --- drawing it -----------------------------------------------------------------------------------------------------------

const BUSY_MILLI = 20_000; // more than twenty requests a second cannot be read as they come
const BUSY_DRAW_MS = 700;

let drawnMs = 0;
let drawing = 0;

function draw(): void {
  if (drawing) return;
  const wait = (live.totals?.requests_per_second_milli ?? 0) > BUSY_MILLI ? drawnMs + BUSY_DRAW_MS - Date.now() : 0;
  drawing = window.setTimeout(() => {
    drawing = 0;
    drawnMs = Date.now();
    redraw();
  }, Math.max(0, wait));
}

// --- the stream ---------------------------------------------------------------------------------------------------------

let stream: EventSource | null = null;
let retry = 0;

function open(): void {
  clearTimeout(retry);
  stream?.close();
  if (session.state !== 'in') return;
  stream = new EventSource('api/events');
  for (const [name, handle] of Object.entries(handlers))
    stream.addEventListener(name, (event) => {
      heard();
      handle(JSON.parse((event as MessageEvent<string>).data));
      draw();
    });
  stream.onopen = () => {
    heard();
    redraw();
  };
  stream.onerror = () => {
    if (stream?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    reload();
    retry = window.setTimeout(open, RETRY_MS);
  };
}

export function startLive(): void {
  reload();
  open();
}

// Countdowns go on by themselves; a gap that lasts is told.
setInterval(() => {
  if (session.state !== 'in' || document.visibilityState === 'hidden') return;
  if (stream?.readyState === EventSource.CONNECTING && live.link === 'live' && Date.now() - live.heardMs > LOST_MS) live.link = 'lost';
  draw(); // with what the events bring, where they come thick
}, 1000);
