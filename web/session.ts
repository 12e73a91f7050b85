// session.ts - whether this browser may see anything: GET, POST and DELETE of /api/session.
import { ApiError, get, post, remove, setCsrf, whenSignedOut } from './api';
import { setCompactDefault } from './theme';
import { redraw } from './view';

export interface Session {
  signed_in: boolean;
  password_set: boolean;
  by?: string;
  version?: string;
  privacy?: boolean;
  compact?: boolean;
  preload_routing?: boolean;
  csrf_token?: string;
  ends_unix_ms?: number;
}

export const session = {
  state: 'unknown' as 'unknown' | 'out' | 'in' | 'unreachable',
  info: { signed_in: false, password_set: false } as Session,
  fault: '',
};

let onSignedIn: () => void = () => {};

export function whenSignedIn(hook: () => void): void {
  onSignedIn = hook;
}

function take(info: Session): void {
  const was = session.state;
  session.info = info;
  session.state = info.signed_in ? 'in' : 'out';
  setCsrf(info.csrf_token ?? '');
  if (info.signed_in) {
    setCompactDefault(!!info.compact);
    if (was !== 'in') onSignedIn();
  }
  redraw();
}

export async function look(): Promise<void> {
  try {
    take(await get<Session>('api/session'));
  } catch (error) {
    // a gateway whose dashboard is switched off at this address says so
    session.fault = error instanceof ApiError ? error.message : '';
    session.state = error instanceof ApiError && error.status > 0 ? 'out' : 'unreachable';
    redraw();
  }
}

export async function signIn(proof: { link: string } | { password: string }): Promise<boolean> {
  session.fault = '';
  try {
    take(await post<Session>('api/session', proof));
    return true;
  } catch (error) {
    session.fault = (error as Error).message;
    redraw();
    return false;
  }
}

export async function signOut(): Promise<void> {
  await remove('api/session').catch(() => undefined);
  await look();
}

// The link's secret stands behind `#`, which no server sees; it leaves the address before it is used.
export async function startSession(): Promise<void> {
  const link = /^#link=([\w.~-]+)$/.exec(location.hash)?.[1];
  whenSignedOut(() => {
    if (session.state === 'in') void look();
  });
  if (link) {
    history.replaceState(null, '', location.pathname + location.search);
    if (await signIn({ link })) return;
    const { fault } = session;
    await look();
    if (session.state === 'out') session.fault = fault;
    redraw();
    return;
  }
  await look();
}
