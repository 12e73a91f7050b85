// settings.ts - all settings as the gateway tells them (GET /api/settings), and changing some of them at once.
import { change, get } from './api';
import { Loader } from './ui';

export interface Setting {
  path: string;
  type: 'boolean' | 'integer' | 'word' | 'text' | 'texts' | 'integers' | 'objects' | 'object';
  value: unknown;
  default: unknown;
  meaning: string;
  min?: number;
  max?: number;
  words?: string[];
  source: 'file' | 'environment' | 'default';
  variable?: string;
  needs_restart: boolean;
  editable: boolean;
  not_editable_because?: string;
}

export interface Settings {
  revision: number;
  file: string;
  file_read_only: boolean;
  changed_on_disk: boolean;
  fault: string | null;
  settings: Setting[];
}

export const all = new Loader<Settings>(() => get<Settings>('api/settings'));

export const valueOf = <T>(path: string): T | undefined => all.data?.settings.find((s) => s.path === path)?.value as T | undefined;

// `body` has `set` or `reset`; nothing is changed when somebody else did meanwhile (409).
export async function changeSettings(body: Record<string, unknown>): Promise<void> {
  all.data = await change<Settings>('api/settings', { ...body, revision: all.data!.revision });
}
