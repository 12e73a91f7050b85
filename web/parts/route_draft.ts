// parts/route_draft.ts - what the user routes by, while it is edited: steps can be undone, faults have a place, saving is one call.
import { ApiError, get, put } from '../api';
import { t } from '../text';
import { say, sayError } from '../ui';
import { redraw } from '../view';

export interface When {
  images?: boolean;
  tools?: boolean;
  thinking?: boolean;
  context_tokens_max?: number;
  hours?: string;
}

export interface Entry {
  k: number; // its identity while it is edited
  flow?: string;
  provider?: string;
  account?: string;
  model?: string;
  when?: When;
}

export interface Flow {
  k: number;
  name: string;
  entries: Entry[];
  rest?: Record<string, unknown>; // what somebody wrote beside it in the file
}

export interface AccountRoute {
  k: number;
  model: string;
  order: string;
  smart_switch: boolean;
  entries: Entry[];
  rest?: Record<string, unknown>;
}

export interface Mapping {
  k: number;
  from: string;
  to: string;
}

export interface Background {
  enabled: boolean;
  model: string;
  [more: string]: unknown;
}

export interface Routing {
  background: Background | null;
  mapping: Mapping[];
  flows: Flow[];
  accounts: AccountRoute[];
}

export interface Preset {
  id: string;
  title: string;
  text: string;
  mapping: Record<string, string>;
}

// As the admin API says it.
interface Wire {
  mapping: Record<string, string>;
  flows: Record<string, { entries?: any[] }>;
  accounts: Record<string, { entries?: any[]; order?: string; smart_switch?: boolean }>;
  background?: { enabled: boolean; model: string | null; [more: string]: unknown };
  missing?: Array<{ path: string; account: string }>;
  presets?: Preset[];
  revision: number;
  [more: string]: unknown;
}

let last = 0;
export const newKey = (): number => ++last;

function readEntry(e: any): Entry {
  return typeof e === 'string' ? { k: newKey(), account: e } : { ...e, k: newKey() };
}

function read(w: Wire): Routing {
  return {
    background: w.background ? { ...w.background, model: w.background.model ?? '' } : null,
    mapping: Object.entries(w.mapping ?? {}).map(([from, to]) => ({ k: newKey(), from, to })),
    flows: Object.entries(w.flows ?? {}).map(([name, { entries, ...rest }]) => ({ k: newKey(), name, entries: (entries ?? []).map(readEntry), rest })),
    accounts: Object.entries(w.accounts ?? {}).map(([model, { entries, order, smart_switch, ...rest }]) => ({ k: newKey(), model, order: order ?? 'listed', smart_switch: !!smart_switch, entries: (entries ?? []).map(readEntry), rest })),
  };
}

function writeEntry(e: Entry): Record<string, unknown> {
  const { k: _k, ...said } = e;
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(said)) if (value !== '' && value !== undefined) out[name] = value;
  if (e.when && Object.keys(e.when).length === 0) delete out.when;
  if (e.account === 'any') delete out.account;
  return out;
}

// Of an account route: a label alone where nothing else is said.
function writeAccount(e: Entry): unknown {
  const said = writeEntry(e);
  return Object.keys(said).every((name) => name === 'account') ? e.account ?? '' : said;
}

function write(r: Routing): Omit<Wire, 'revision'> {
  return {
    ...(r.background ? { background: { ...r.background, model: r.background.model.trim() || null } } : {}),
    mapping: Object.fromEntries(r.mapping.map((m) => [m.from.trim(), m.to.trim()])),
    flows: Object.fromEntries(r.flows.map((f) => [f.name.trim(), { ...f.rest, entries: f.entries.map(writeEntry) }])),
    accounts: Object.fromEntries(
      r.accounts.map((a) => [
        a.model.trim(),
        {
          ...a.rest,
          entries: a.entries.map(writeAccount),
          ...(a.order === 'rotate' ? { order: 'rotate' } : {}),
          smart_switch: a.smart_switch,
        },
      ]),
    ),
  };
}

const UNDO_MAX = 100;

class Draft {
  now: Routing | null = null;
  presets: Preset[] = [];
  error: ApiError | null = null;
  faults = new Map<string, string>(); // by place: `flows.<k>.name`, `entry.<k>.model`, …
  fault = ''; // of nothing in particular
  saving = false;
  private saved = '';
  private wire: Wire | null = null;
  private past: Routing[] = [];
  private grouped: string | null = null;
  private loading = false;

  async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      this.take(await get<Wire>('api/routing'));
      this.error = null;
    } catch (error) {
      this.error = error as ApiError;
    }
    this.loading = false;
    redraw();
  }

  ensure(): void {
    if (!this.now && !this.error) void this.load();
  }

  private take(w: Wire): void {
    this.wire = w;
    this.now = read(w);
    this.presets = w.presets ?? this.presets;
    this.saved = JSON.stringify(write(this.now));
    this.past = [];
    this.faults.clear();
    this.fault = '';
  }

  get changed(): boolean {
    return this.now !== null && JSON.stringify(write(this.now)) !== this.saved;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  // Edits of one field, or one drag, are one step: those that follow each other under the same name.
  edit(change: (r: Routing) => void, group: string | null = null): void {
    if (!this.now) return;
    if (group === null || group !== this.grouped) {
      this.past.push(this.now);
      if (this.past.length > UNDO_MAX) this.past.shift();
    }
    this.grouped = group;
    this.now = structuredClone(this.now);
    change(this.now!);
    this.faults.clear();
    this.fault = '';
    redraw();
  }

  undo(): void {
    const before = this.past.pop();
    if (!before) return;
    this.now = before;
    this.grouped = null;
    this.faults.clear();
    this.fault = '';
    redraw();
  }

  discard(): void {
    if (this.wire) this.take(this.wire);
    redraw();
  }

  private check(): boolean {
    const r = this.now!;
    const need = (place: string, value: string | undefined): void => {
      if (!value?.trim()) this.faults.set(place, t('route.needed'));
    };
    const once = (places: Array<[string, string]>): void => {
      const seen = new Set<string>();
      for (const [place, value] of places) {
        if (value && seen.has(value)) this.faults.set(place, t('route.twice'));
        seen.add(value);
      }
    };
    this.faults.clear();
    for (const m of r.mapping) {
      need(`mapping.${m.k}.from`, m.from);
      need(`mapping.${m.k}.to`, m.to);
    }
    for (const f of r.flows) {
      need(`flow.${f.k}.name`, f.name);
      if (f.entries.length === 0) this.faults.set(`flow.${f.k}`, t('route.no_entry'));
      for (const e of f.entries)
        if (e.flow !== undefined) need(`entry.${e.k}.flow`, e.flow);
        else need(`entry.${e.k}.model`, e.model);
    }
    for (const a of r.accounts) {
      need(`route.${a.k}.model`, a.model);
      if (a.entries.length === 0 && !a.smart_switch) this.faults.set(`route.${a.k}`, t('route.no_account'));
      for (const e of a.entries) need(`entry.${e.k}.account`, e.account);
    }
    once(r.mapping.map((m) => [`mapping.${m.k}.from`, m.from.trim()]));
    once(r.flows.map((f) => [`flow.${f.k}.name`, f.name.trim()]));
    once(r.accounts.map((a) => [`route.${a.k}.model`, a.model.trim()]));
    return this.faults.size === 0;
  }

  // Where the gateway's `routing.flows.fast.entries[2].account` is in the draft.
  private placeOf(path: string): string | null {
    const r = this.now!;
    const found = /^(?:routing\.)?(flows|accounts)\.(.+?)(?:\.entries(?:\[(\d+)\])?(?:\.(\w+)[\w.]*)?)?$/.exec(path);
    if (/(^|\.)background(\.|$)/.test(path)) return 'background.model';
    const mapped = /^(?:proxy\.custom_mapping|custom_mapping|mapping)\.(.+)$/.exec(path);
    if (mapped) {
      const m = r.mapping.find((one) => one.from.trim() === mapped[1]);
      return m ? `mapping.${m.k}.to` : null;
    }
    if (!found) return null;
    const [, list, name, index, member] = found;
    const owner = list === 'flows' ? r.flows.find((f) => f.name.trim() === name) : r.accounts.find((a) => a.model.trim() === name);
    if (!owner) return null;
    const entry = index === undefined ? undefined : owner.entries[Number(index)];
    if (entry) return `entry.${entry.k}.${member ?? (list === 'flows' ? 'model' : 'account')}`;
    return list === 'flows' ? `flow.${owner.k}` : `route.${owner.k}`;
  }

  async save(): Promise<void> {
    if (!this.now || this.saving) return;
    if (!this.check()) {
      this.fault = t('route.see_marks');
      redraw();
      document.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
      return;
    }
    this.saving = true;
    redraw();
    try {
      const answer = await put<Wire>('api/routing', { ...write(this.now), revision: this.wire!.revision });
      this.take(answer?.flows ? answer : await get<Wire>('api/routing'));
      say(t('did.saved'));
    } catch (error) {
      const e = error as ApiError;
      const place = e.path ? this.placeOf(e.path) : null;
      if (e.status === 409) this.fault = t('state.changed_meanwhile_draft');
      else if (place) {
        this.faults.set(place, e.message);
        this.fault = t('route.see_marks');
      } else if (e.status === 0) sayError(e);
      else this.fault = e.path ? `${e.path}: ${e.message}` : e.message;
    }
    this.saving = false;
    redraw();
    requestAnimationFrame(() => document.querySelector<HTMLElement>('.routing [aria-invalid=true]')?.focus());
  }
}

export const draft = new Draft();
