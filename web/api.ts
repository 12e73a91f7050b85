// api.ts - calls of the admin API (docs/openapi.json). Addresses are relative, so that the dashboard works below any path.
import { said } from './text';

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer
    message: string,
    readonly path = '',
    readonly body: any = undefined,
  ) {
    super(message);
  }
  // The gateway does not have this call (yet).
  get absent(): boolean {
    return this.status === 404 || this.status === 405 || this.status === 501;
  }
}

let csrf = '';
let onSignedOut: () => void = () => {};

export function setCsrf(token: string): void {
  csrf = token;
}

export function whenSignedOut(hook: () => void): void {
  onSignedOut = hook;
}

// What boot.ts has asked for already.
function taken(method: string, path: string): Promise<Response> | undefined {
  const early = (window as { early?: Record<string, Promise<Response>> }).early;
  const answer = method === 'GET' ? early?.[path] : undefined;
  if (answer) delete early![path];
  return answer;
}

export async function call<T = any>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET') {
    headers['Content-Type'] = 'application/json';
    if (csrf) headers['X-CSRF-Token'] = csrf;
  }
  let answer: Response;
  try {
    answer = await (taken(method, path) ?? fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal,
    }));
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ApiError(0, '');
  }
  const text = await answer.text();
  let read: any = undefined;
  try {
    read = text ? JSON.parse(text) : undefined;
  } catch {
    read = undefined;
  }
  if (!answer.ok) {
    if (answer.status === 401 && !path.startsWith('api/session')) onSignedOut();
    const message: string = read?.error?.message ?? `HTTP ${answer.status}`;
    // settings name their place at the beginning of the sentence
    const placed = /^([a-z_]+(?:\.[\w-]+|\[\d+\])+): (.+)$/s.exec(message);
    const place: string = read?.error?.path ?? placed?.[1] ?? '';
    throw new ApiError(answer.status, said(placed && placed[1] === place ? placed[2]! : message), place, read);
  }
  return read as T;
}

export const get = <T = any>(path: string, signal?: AbortSignal): Promise<T> => call<T>('GET', path, undefined, signal);
export const post = <T = any>(path: string, body?: unknown): Promise<T> => call<T>('POST', path, body);
export const put = <T = any>(path: string, body?: unknown): Promise<T> => call<T>('PUT', path, body);
export const change = <T = any>(path: string, body?: unknown): Promise<T> => call<T>('PATCH', path, body);
export const remove = <T = any>(path: string, body?: unknown): Promise<T> => call<T>('DELETE', path, body);
export const part = (text: string | number): string => encodeURIComponent(String(text));
