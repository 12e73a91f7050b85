// live.ts - what the gateway is doing, as far as every page shows it: accounts, scheduling, the last requests, figures.
//
// One event stream feeds it (GET /api/events). Where it breaks off the browser connects again by itself; meanwhile the pages keep
// what they have, and say how old it is.
import { ApiError, get } from './api';
import { session } from './session';
import { Account, RequestSummary, Scheduling, Status } from './types';
import { redraw } from './view';

export interface LogRow extends RequestSummary {
  running?: boolean;
  reason?: string;
}

export const ROWS_MAX = 1000;

export const live = {
  link: 'connecting' as 'connecting' | 'live' | 'lost',
  lostSince: 0,
  accounts: null as Account[] | null,
  error: null as ApiError | null,
  scheduling: null as Scheduling | null,
  status: null as Status | null,
  rows: [] as LogRow[],
};

function failed(error: unknown): void {
  live.error = error instanceof ApiError ? error : new ApiError(0, '');
  if (live.error.status === 0 && live.link !== 'lost') {
    live.link = 'lost';
    live.lostSince = Date.now();
  }
  redraw();
}

function took(): void {
  live.link = 'live';
  live.error = null;
  redraw();
}

export async function loadAccounts(): Promise<void> {
  try {
    live.accounts = (await get<{ accounts: Account[] }>('api/accounts')).accounts;
    took();
  } catch (error) {
    failed(error);
  }
}

export async function loadScheduling(): Promise<void> {
  try {
    live.scheduling = await get<Scheduling>('api/scheduling');
    redraw();
  } catch (error) {
    failed(error);
  }
}

async function loadStatus(): Promise<void> {
  try {
    live.status = await get<Status>('api/status');
    redraw();
  } catch (error) {
    failed(error);
  }
}

async function loadRequests(): Promise<void> {
  try {
    live.rows = (await get<{ requests: RequestSummary[] }>('api/requests?limit=200')).requests;
    redraw();
  } catch (error) {
    failed(error);
  }
}

export function putAccount(account: Account): void {
  live.accounts = live.accounts?.map((a) => (a.id === account.id ? account : a)) ?? [account];
  redraw();
}

export function dropAccount(id: number): void {
  live.accounts = live.accounts?.filter((a) => a.id !== id) ?? null;
  redraw();
}

// All at once, when something was changed whose effects reach far.
export function reload(): void {
  void loadAccounts();
  void loadScheduling();
  void loadStatus();
  void loadRequests();
}

let timer = 0;

export function startLive(): void {
  reload();
  clearInterval(timer);
  timer = window.setInterval(() => {
    if (session.state === 'in' && document.visibilityState !== 'hidden') reload();
  }, 3000);
}

// Countdowns go on by themselves.
setInterval(() => {
  if (document.visibilityState !== 'hidden') redraw();
}, 1000);
