// pages/settings.tsx - every setting, with its meaning; a change is written at once.
import { ApiError, put } from '../api';
import { Icon } from '../icons';
import { live, whenSettingsChange } from '../live';
import { setServing } from '../parts/actions';
import { Keys } from '../parts/keys';
import { Providers } from '../parts/provider';
import { look, session } from '../session';
import { Setting, Settings, all, changeSettings } from '../settings';
import { Page, setShortcut } from '../shell';
import { TextKey, has, said, t } from '../text';
import { remember } from '../theme';
import { Button, Empty, Field, Input, Prose, Select, Switch, confirmDo, roveKey, say, sayError } from '../ui';
import { Child, Fragment, h, redraw } from '../view';

// --- where each setting stands ------------------------------------------------------------------------------------------

// Those that people look for have names; the others are called by their paths.
const NAMES: Record<string, TextKey> = {
  'dashboard.auto_open': 'set.auto_open',
  'dashboard.preload_routing': 'set.preload_routing',
  'dashboard.compact': 'set.compact',
  'dashboard.privacy': 'set.privacy',
  'quota.auto_refresh': 'set.auto_refresh',
  'quota.refresh_minutes': 'set.refresh_minutes',
  'usage.track': 'set.track',
  'logs.capture': 'set.capture',
  'logs.bodies': 'set.bodies',
  'proxy.scheduling.optimize_quota_sorting': 'set.optimize',
  'proxy.quota_reserve_percent': 'set.reserve',
  'tunnel.auto_start': 'set.tunnel_auto',
};

type Tab = 'general' | 'scheduling' | 'privacy' | 'models' | 'keys' | 'network' | 'limits' | 'password';

const TABS: ReadonlyArray<readonly [Tab, (path: string) => boolean]> = [
  ['general', (p) => p.startsWith('dashboard.') && p !== 'dashboard.privacy'],
  ['scheduling', (p) => /^(proxy\.(scheduling|quota)|quota|circuit_breaker)/.test(p)],
  ['privacy', (p) => /^(dashboard\.privacy|usage|logs)/.test(p)],
  ['models', (p) => /^(proxy\.custom_mapping|proxy\.chat|proxy\.strict|routing|providers|accounts|oauth|prices|images)/.test(p)],
  ['keys', (p) => /^(client_keys|require_keys)/.test(p)],
  ['network', (p) => /^(listen|admin_listen|hosts|metrics|traces|trusted_proxies|cors_origins|proxy\.upstream_proxy|tls|tunnel|workers)/.test(p)],
  ['limits', (p) => /^(limits|timeouts|proxy\.request|proxy\.stream|proxy\.responses)/.test(p)],
  ['password', () => false],
];

let tab = (remember.read('settings') ?? 'general') as Tab;
let wanted = '';

const tabOf = (path: string): Tab => TABS.find(([, fits]) => fits(path))?.[0] ?? 'general';
const order = Object.keys(NAMES);
const rank = (s: Setting): number => (order.indexOf(s.path) + 1 || 999);

// --- changing one -------------------------------------------------------------------------------------------------------

const typed = new Map<string, string>(); // what is being written into fields
const wrong = new Map<string, string>();
const saved = new Map<string, number>(); // when; a mark is shown for a moment

function mark(path: string): void {
  saved.set(path, Date.now());
  redraw();
  setTimeout(() => {
    saved.delete(path);
    redraw();
  }, 2500);
}

async function send(s: Setting, body: Record<string, unknown>): Promise<void> {
  wrong.delete(s.path);
  try {
    await changeSettings(body);
    typed.delete(s.path);
    mark(s.path);
    if (s.path.startsWith('dashboard.')) void look();
  } catch (error) {
    const e = error as ApiError;
    if (e.status === 409) {
      await all.load();
      say(e.message || t('state.changed_meanwhile'), { bad: true });
    } else if (e.status === 0) sayError(e);
    else wrong.set(s.path, e.path && e.path !== s.path && !e.path.startsWith(s.path) ? `${e.path}: ${e.message}` : e.message);
  }
  redraw();
}

const set = (s: Setting, value: unknown): Promise<void> => send(s, { set: { [s.path]: value } });

function toggle(s: Setting, on: boolean): void {
  if (s.path !== 'logs.bodies' || !on) return void set(s, on);
  confirmDo({ title: t('set.bodies_title'), text: t('set.bodies_warn'), label: t('set.bodies_do'), danger: true, run: () => set(s, true) });
}

// What stands in a field becomes a value; a fault is told at the field.
function commit(s: Setting): void {
  const text = typed.get(s.path);
  if (text === undefined) return;
  if (text === textOf(s)) {
    typed.delete(s.path);
    wrong.delete(s.path);
    return redraw();
  }
  let value: unknown = text;
  if (s.type === 'integer') {
    if (!/^-?\d+$/.test(text.trim())) {
      wrong.set(s.path, t('wrong.number'));
      return redraw();
    }
    value = Number(text);
  } else if (s.type === 'text') value = text.trim() === '' ? null : text.trim();
  else if (s.type === 'texts') value = lines(text);
  else if (s.type === 'integers') {
    if (lines(text).some((l) => !/^-?\d+$/.test(l))) {
      wrong.set(s.path, t('wrong.number'));
      return redraw();
    }
    value = lines(text).map(Number);
  } else if (s.type === 'object' || s.type === 'objects')
    try {
      value = JSON.parse(text);
    } catch (error) {
      wrong.set(s.path, t('set.json_wrong', { why: (error as Error).message }));
      return redraw();
    }
  void set(s, value);
}

const lines = (text: string): string[] =>
  text
    .split(/[\n,]/)
    .map((l) => l.trim())
    .filter(Boolean);

function textOf(s: Setting, value: unknown = s.value): string {
  if (value === null || value === undefined) return '';
  if (s.type === 'texts' || s.type === 'integers') return (value as unknown[]).join('\n');
  if (s.type === 'object' || s.type === 'objects') return JSON.stringify(value, null, 2);
  return String(value);
}

function short(s: Setting): string {
  const text = textOf(s, s.default).replace(/\s+/g, ' ');
  return text === '' ? t('set.empty') : text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

// --- one setting ----------------------------------------------------------------------------------------------------------

function Control({ s }: { s: Setting }): Child {
  const id = `set-${s.path}`;
  const name = NAMES[s.path] ? t(NAMES[s.path]!) : s.path;
  const off = !s.editable;
  const text = typed.get(s.path) ?? textOf(s);
  const input = (v: string): void => {
    typed.set(s.path, v);
    wrong.delete(s.path);
    redraw();
  };
  if (s.type === 'boolean') return <Switch id={id} on={s.value === true} label={name} disabled={off} onChange={(on) => toggle(s, on)} />;
  if (s.type === 'word') return <Select id={id} label={name} value={String(s.value)} disabled={off} options={(s.words ?? []).map((w) => [w, has(`mode.${w}`) ? t(`mode.${w}` as TextKey) : w] as const)} onChange={(v) => void set(s, v)} />;
  if (s.type === 'integer' || s.type === 'text')
    return (
      <div onFocusout={() => commit(s)}>
        <Input id={id} label={name} type={s.type === 'integer' ? 'number' : 'text'} mono={s.type === 'text'} min={s.min} max={s.max} value={text} disabled={off} wrong={wrong.has(s.path)} placeholder={t('set.empty')} onInput={input} onEnter={() => commit(s)} />
      </div>
    );
  const json = s.type === 'object' || s.type === 'objects';
  return (
    <div class="stack tight" onFocusout={() => commit(s)}>
      <textarea
        id={id}
        class="textarea mono"
        rows={Math.min(10, Math.max(2, text.split('\n').length))}
        value={text}
        disabled={off}
        spellcheck="false"
        aria-label={name}
        aria-invalid={wrong.has(s.path) ? 'true' : undefined}
        onInput={(e: Event) => input((e.target as HTMLTextAreaElement).value)}
      />
      {!off && <span class="tiny faint">{json ? t('set.json_hint') : t('set.list_hint')}</span>}
    </div>
  );
}

// What is changed somewhere else, and where.
const ELSEWHERE: Record<string, { text: TextKey; page?: string; tab?: Tab }> = {
  accounts: { text: 'nav.quota', page: 'quota' },
  routing: { text: 'nav.routing', page: 'routing' },
  'proxy.custom_mapping': { text: 'nav.routing', page: 'routing' },
  'usage.prices': { text: 'nav.usage', page: 'usage' },
  providers: { text: 'set.tab_models', tab: 'models' },
  client_keys: { text: 'set.tab_keys', tab: 'keys' },
};

function Way({ to }: { to: { text: TextKey; page?: string; tab?: Tab } }): Child {
  if (to.tab) return <Button label={t('set.open', { page: t(to.text) })} onClick={() => choose(to.tab!)} />;
  return (
    <a class="btn" href={to.page}>
      {t('set.open', { page: t(to.text) })}
    </a>
  );
}

const LINK = /\[([^\]]+)\]\([^)]+\)/g; // as the manual's files refer to each other

// Some names are the meaning already.
function saysMore(s: Setting): boolean {
  return !NAMES[s.path] || said(s.meaning).replace(/[.。]$/, '') !== t(NAMES[s.path]!);
}

function Row({ s }: { s: Setting }): Child {
  const isDefault = s.source === 'default';
  const way = ELSEWHERE[s.path];
  const wide = !way && !['boolean', 'integer', 'word', 'text'].includes(s.type);
  return (
    <div class={`setting ${wide ? 'wide' : ''}`} key={s.path}>
      <div class="stack tight">
        <div class="row wrap">
          <label class="name" for={`set-${s.path}`}>
            {NAMES[s.path] ? t(NAMES[s.path]!) : <code>{s.path}</code>}
          </label>
          {s.needs_restart && (
            <span class="chip" title={t('set.restart_text')}>
              {t('set.restart')}
            </span>
          )}
          {s.source === 'environment' && (
            <span class="chip accent" title={t('set.env_text', { variable: s.variable ?? '' })}>
              {t('set.env', { variable: s.variable ?? '' })}
            </span>
          )}
          {saved.has(s.path) && (
            <span class="chip ok" role="status">
              <Icon name="check" />
              {t('set.saved')}
            </span>
          )}
        </div>
        {saysMore(s) && (
          <p class="small dim">
            <Prose text={said(s.meaning).replace(LINK, '$1')} />
          </p>
        )}
        <p class="tiny faint row wrap">
          {NAMES[s.path] && <code>{s.path}</code>}
          {s.type === 'integer' && s.min !== undefined && s.max !== undefined && <span>{t('set.range', { min: String(s.min), max: String(s.max) })}</span>}
          {!isDefault && !way && s.type !== 'objects' && <span>{t('set.default', { value: short(s) })}</span>}
        </p>
        {wrong.has(s.path) && (
          <p class="wrong" role="alert" id={`set-${s.path}-wrong`}>
            {wrong.get(s.path)}
          </p>
        )}
        {!s.editable && !way && s.not_editable_because && <p class="small faint reason">{said(s.not_editable_because)}</p>}
      </div>
      <div class="control">
        {way ? <Way to={way} /> : <Control s={s} />}
        {!isDefault && !way && s.editable && s.source === 'file' ? <Button label={t('set.reset')} icon="undo" iconOnly kind="quiet small" onClick={() => void send(s, { reset: [s.path] })} /> : <span class="btn-space" />}
      </div>
    </div>
  );
}

// --- the password ---------------------------------------------------------------------------------------------------------

const pass = { current: '', next: '', wrong: '', busy: false };

async function savePassword(next: string | null): Promise<void> {
  pass.busy = true;
  pass.wrong = '';
  redraw();
  try {
    await put('api/session/password', { password: next, ...(session.info.password_set ? { current: pass.current } : {}) });
    pass.current = pass.next = '';
    say(t('password.saved'));
    await look();
  } catch (error) {
    pass.wrong = (error as ApiError).message || t('state.offline');
  }
  pass.busy = false;
  redraw();
}

function Password(): Child {
  const has = session.info.password_set;
  return (
    <section class="card narrow-card">
      <div class="body stack loose">
        <p>{has ? t('password.set') : t('password.unset')}</p>
        {has && (
          <Field id="password-current" label={t('password.current')}>
            <Input id="password-current" type="password" autocomplete="current-password" value={pass.current} onInput={(v) => ((pass.current = v), redraw())} />
          </Field>
        )}
        <Field id="password-new" label={t('password.new')} hint={t('password.hint')} wrong={pass.wrong}>
          <Input id="password-new" type="password" autocomplete="new-password" value={pass.next} wrong={!!pass.wrong} onInput={(v) => ((pass.next = v), redraw())} onEnter={() => void savePassword(pass.next)} />
        </Field>
        <div class="row">
          <Button label={t('password.save')} kind="primary" busy={pass.busy} disabled={!pass.next || (has && !pass.current)} onClick={() => void savePassword(pass.next)} />
          {has && <Button label={t('password.clear')} kind="danger" busy={pass.busy} disabled={!pass.current} onClick={() => void savePassword(null)} />}
        </div>
      </div>
    </section>
  );
}

// --- the page -------------------------------------------------------------------------------------------------------------

function choose(id: Tab): void {
  tab = id;
  wanted = '';
  remember.write('settings', id);
  redraw();
}

function Tabs(): Child {
  return (
    <div class="tabs" role="tablist" aria-label={t('nav.settings')} onKeydown={roveKey}>
      {TABS.map(([id]) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`tab-${id}`}
          aria-selected={String(tab === id && !wanted)}
          aria-controls="settings"
          tabindex={tab === id ? 0 : -1}
          onClick={() => choose(id)}
        >
          {t(`set.tab_${id}`)}
        </button>
      ))}
    </div>
  );
}

function List({ d }: { d: Settings }): Child {
  const text = wanted.trim().toLowerCase();
  const list = d.settings
    .filter((s) => (text ? `${s.path} ${s.meaning} ${said(s.meaning)} ${NAMES[s.path] ? t(NAMES[s.path]!) : ''}`.toLowerCase().includes(text) : tabOf(s.path) === tab && ELSEWHERE[s.path]?.tab !== tab))
    .sort((a, b) => rank(a) - rank(b));
  const serving = tab === 'general' && !text && live.status;
  if (list.length === 0) return text ? <Empty icon="search" title={t('set.none')} /> : null;
  return (
    <section class="card">
      {serving && (
        <div class="setting">
          <div class="stack tight">
            <label class="name" for="serving">
              {t('set.serving')}
            </label>
            <p class="small dim">{t('set.serving_text')}</p>
          </div>
          <div class="control">
            <Switch id="serving" on={serving.serving} label={t('set.serving')} onChange={(on) => void setServing(on)} />
            <span class="btn-space" />
          </div>
        </div>
      )}
      {list.map((s) => (
        <Row key={s.path} s={s} />
      ))}
    </section>
  );
}

function Shown({ d }: { d: Settings }): Child {
  return (
    <>
      {d.fault && (
        <p class="row text-error" role="alert">
          <Icon name="warn" /> {t('notice.settings_fault', { why: said(d.fault) })}
        </p>
      )}
      {tab === 'keys' && !wanted && <Keys />}
      {tab === 'models' && !wanted && <Providers />}
      <List d={d} />
    </>
  );
}

function FileNote(): Child {
  if (!all.data) return <span class="grow" />;
  const { file, file_read_only: readOnly } = all.data;
  const name = file.split('/').pop() ?? file;
  return (
    <span class="grow small dim" title={file}>
      {readOnly ? t('set.read_only', { file: name }) : t('set.file', { file: name })}
    </span>
  );
}

function view(): Child {
  return (
    <div class="inner stack">
      <div class="toolbar">
        <Tabs />
        <FileNote />
        <div class="search">
          <Icon name="search" />
          <Input id="settings-search" label={t('set.search')} placeholder={t('set.search')} value={wanted} onInput={(v) => ((wanted = v), redraw())} />
        </div>
      </div>
      <div id="settings" role="tabpanel" aria-label={t('nav.settings')} class="stack">
        {tab === 'password' && !wanted ? <Password /> : all.view((d) => <Shown d={d} />, 6)}
      </div>
    </div>
  );
}

let end: () => void = () => {};

export const page: Page = {
  view,
  enter: () => {
    const asked = new URLSearchParams(location.search).get('tab') as Tab | null;
    if (asked && TABS.some(([id]) => id === asked)) choose(asked);
    void all.load();
    end = setShortcut('/', 'set.search', () => document.getElementById('settings-search')?.focus());
    whenSettingsChange((onDisk) => {
      if (onDisk) say(t('set.changed_on_disk'));
      if (live.settingsRevision !== all.data?.revision && typed.size === 0) void all.load();
    });
  },
  leave: () => {
    end();
    whenSettingsChange(() => {});
  },
};
