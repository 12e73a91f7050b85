// shell.tsx - the frame around every page: navigation, live figures, notices, login.
import { Icon, IconName, Mark } from './icons';
import { Notice, live } from './live';
import { setServing } from './parts/actions';
import { look as lookAtSession, session, signIn, signOut } from './session';
import { LANGUAGES, TextKey, has, languageNow, said, span, t } from './text';
import { chooseLanguage, isCompact, look, setDensity, setTheme } from './theme';
import { page as quota } from './pages/quota';
import { Button, Dialogs, Empty, Field, Input, Menu, Segmented, Select, Toasts, dialogsOpen, openDialog } from './ui';
import { Child, Fragment, h, redraw } from './view';

export interface Page {
  view: () => Child;
  enter?: () => void;
  leave?: () => void;
  fill?: boolean; // scrolls inside of itself
  tools?: () => Child; // beside the title
}

interface Entry {
  path: string;
  text: TextKey;
  icon: IconName;
  key: string; // g and this key go there
  load: () => Promise<{ page: Page }>;
}

export const ENTRIES: readonly Entry[] = [
  { path: 'quota', text: 'nav.quota', icon: 'gauge', key: 'q', load: async () => ({ page: quota }) },
  { path: 'routing', text: 'nav.routing', icon: 'route', key: 'r', load: () => import('./pages/routing') },
  { path: 'logs', text: 'nav.logs', icon: 'list', key: 'l', load: () => import('./pages/logs') },
  { path: 'usage', text: 'nav.usage', icon: 'chart', key: 'u', load: () => import('./pages/usage') },
  { path: 'connect', text: 'nav.connect', icon: 'plug', key: 'c', load: () => import('./pages/connect') },
  { path: 'remote-panel', text: 'nav.remote', icon: 'globe', key: 't', load: () => import('./pages/remote') },
  { path: 'settings', text: 'nav.settings', icon: 'gear', key: 's', load: () => import('./pages/settings') },
];

// --- where we are -------------------------------------------------------------------------------------------------------

const loaded = new Map<string, Page>();
let at: Entry;
let entered: Page | null = null;
let menuOpen = false;
let chunkLost = false;

function entryOfAddress(): Entry {
  const last = location.pathname.split('/').pop() ?? '';
  return ENTRIES.find((e) => e.path === last) ?? ENTRIES[0]!;
}

async function show(): Promise<void> {
  const entry = entryOfAddress();
  at = entry;
  menuOpen = false;
  document.title = `${t(entry.text)} · Penstock`;
  redraw();
  if (!loaded.has(entry.path)) {
    try {
      loaded.set(entry.path, (await entry.load()).page);
      chunkLost = false;
    } catch {
      chunkLost = true; // another build is served by now, or nobody answers
    }
  }
  const page = loaded.get(at.path) ?? null;
  if (page !== entered) {
    entered?.leave?.();
    entered = page;
    if (session.state === 'in') page?.enter?.();
  }
  redraw();
}

export function go(path: string): void {
  if (location.pathname.split('/').pop() === path.split('?')[0] && !path.includes('?')) return;
  history.pushState(null, '', path);
  void show();
  document.querySelector<HTMLElement>('.page')?.focus({ preventScroll: true });
}

export function enterPage(): void {
  entered?.enter?.();
}

export function preload(path: string): void {
  const entry = ENTRIES.find((e) => e.path === path);
  if (entry && !loaded.has(path)) void entry.load().then((m) => loaded.set(path, m.page), () => undefined);
}

function onLink(event: MouseEvent): void {
  const a = (event.target as Element).closest('a');
  if (!a || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || a.target) return;
  const href = a.getAttribute('href') ?? '';
  if (!ENTRIES.some((e) => e.path === href.split('?')[0])) return;
  event.preventDefault();
  go(href);
}

// --- keys -----------------------------------------------------------------------------------------------------------------

const shortcuts = new Map<string, { text: TextKey; run: () => void }>();

// A page's own keys, while it is shown.
export function setShortcut(key: string, text: TextKey, run: () => void): () => void {
  shortcuts.set(key, { text, run });
  return () => shortcuts.delete(key);
}

let waiting = 0;

function onKey(event: KeyboardEvent): void {
  const el = event.target as HTMLElement;
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) || el.isContentEditable;
  if (typing || event.ctrlKey || event.metaKey || event.altKey || dialogsOpen() || session.state !== 'in') return;
  if (waiting && Date.now() - waiting < 1500) {
    waiting = 0;
    const entry = ENTRIES.find((e) => e.key === event.key);
    if (entry) {
      event.preventDefault();
      go(entry.path);
    }
    return;
  }
  if (event.key === 'g') waiting = Date.now();
  else if (event.key === '?') helpDialog();
  else if (shortcuts.has(event.key)) {
    event.preventDefault();
    shortcuts.get(event.key)!.run();
  }
}

function helpDialog(): void {
  openDialog({
    title: t('keys.title'),
    body: () => (
      <dl class="kv">
        {ENTRIES.map((e) => (
          <>
            <dt>
              <kbd>g</kbd> <kbd>{e.key}</kbd>
            </dt>
            <dd>{t(e.text)}</dd>
          </>
        ))}
        {[...shortcuts].map(([key, s]) => (
          <>
            <dt>
              <kbd>{key === ' ' ? '␣' : key}</kbd>
            </dt>
            <dd>{t(s.text)}</dd>
          </>
        ))}
        <dt>
          <kbd>?</kbd>
        </dt>
        <dd>{t('keys.help')}</dd>
      </dl>
    ),
  });
}

// --- the frame ----------------------------------------------------------------------------------------------------------

function Link(): Child {
  const kind = live.link === 'live' ? 'ok' : live.link === 'lost' ? 'error' : 'locked';
  const text = live.link === 'live' ? t('link.live') : live.link === 'lost' ? t('link.lost') : t('link.connecting');
  return (
    <span class="row small dim" role="status">
      <i class={`dot ${kind} ${live.link === 'connecting' ? 'pulse' : ''}`} />
      {text}
    </span>
  );
}

function Side(): Child {
  return (
    <>
      {menuOpen && (
        <div
          key="veil"
          class="side-veil"
          onClick={() => {
            menuOpen = false;
            redraw();
          }}
        />
      )}
      <aside key="side" id="side" aria-label="Penstock" class={`side ${menuOpen ? 'open' : ''}`}>
        <div class="brand">
          <Mark />
          Penstock
        </div>
        <nav class="nav" aria-label={t('nav.label')}>
          {ENTRIES.map((e) => (
            <a key={e.path} href={e.path} aria-current={at === e ? 'page' : undefined}>
              <Icon name={e.icon} />
              {t(e.text)}
            </a>
          ))}
        </nav>
        <div class="side-foot">
          <Segmented
            label={t('look.theme')}
            value={look.theme}
            choices={[
              { value: 'system', label: t('look.system'), icon: 'screen', iconOnly: true },
              { value: 'light', label: t('look.light'), icon: 'sun', iconOnly: true },
              { value: 'dark', label: t('look.dark'), icon: 'moon', iconOnly: true },
            ]}
            onChange={setTheme}
          />
          <Select id="language" label={t('look.language')} value={languageNow()} options={LANGUAGES.map((l) => [l.id, l.name] as const)} onChange={chooseLanguage} />
          <div class="row">
            <Button label={isCompact() ? t('look.regular') : t('look.compact')} icon="rows" kind="quiet small" pressed={undefined} onClick={() => setDensity(isCompact() ? 'regular' : 'compact')} />
            <Button label={t('keys.title')} kind="quiet small" icon="info" iconOnly onClick={helpDialog} />
            {session.info.by !== 'token' && <Button label={t('login.out')} kind="quiet small" icon="lock" iconOnly onClick={() => void signOut()} />}
          </div>
          <div class="row">
            <Link />
            <span class="tiny faint">{session.info.version ?? live.status?.version ?? ''}</span>
          </div>
        </div>
      </aside>
    </>
  );
}

// As the events tell; before the first of them, as the state does.
function notices(): Notice[] {
  if (live.notices || !live.status) return live.notices ?? [];
  const list: Notice[] = [];
  if (live.status.serving === false) list.push({ kind: 'paused', text: null });
  if (live.status.simulator) list.push({ kind: 'simulator', text: null });
  if (live.status.settings_fault) list.push({ kind: 'settings_fault', text: live.status.settings_fault });
  return list;
}

function Notices(): Child {
  const list: Child[] = [];
  if (live.link === 'lost')
    list.push(
      <div key="lost" class="notice bad" role="alert">
        <Icon name="warn" />
        <span class="grow">{t('notice.lost', { ago: span(Date.now() - live.heardMs) })}</span>
      </div>,
    );
  for (const n of notices()) {
    const bad = n.kind === 'settings_fault';
    list.push(
      <div key={n.kind} class={`notice ${bad ? 'bad' : 'warn'}`} role={bad ? 'alert' : undefined}>
        <Icon name={bad ? 'warn' : 'info'} />
        <span class="grow">{has(`notice.${n.kind}`) ? t(`notice.${n.kind}` as TextKey, { why: said(n.text) }) : said(n.text)}</span>
        {n.kind === 'simulator' && at.path !== 'quota' && (
          <a class="btn small" href="quota">
            {t('add.title')}
          </a>
        )}
        {n.kind === 'paused' && <Button label={t('do.resume')} kind="small" icon="play" onClick={() => void setServing(true)} />}
      </div>,
    );
  }
  return (
    list.length > 0 && (
      <section key="notices" aria-label={t('notice.label')}>
        {list}
      </section>
    )
  );
}

function Frame(): Child {
  const page = loaded.get(at.path);
  return (
    <div class="frame" onClick={onLink}>
      <a class="skip" href="#page" onClick={(e: Event) => (e.preventDefault(), document.getElementById('page')?.focus())}>
        {t('nav.skip')}
      </a>
      <Side />
      <div class="main">
        <header class="top">
          <button
            type="button"
            class="btn quiet icon-only burger"
            aria-label={t('nav.label')}
            aria-expanded={String(menuOpen)}
            aria-controls="side"
            onClick={() => {
              menuOpen = !menuOpen;
              redraw();
            }}
          >
            <Icon name="menu" />
          </button>
          <h1>{t(at.text)}</h1>
          {page?.tools?.()}
        </header>
        <Notices />
        <main id="page" tabindex="-1" class={`page ${page?.fill ? 'fill' : ''}`} key={`page-${at.path}`}>
          {page ? page.view() : chunkLost ? <Lost /> : null}
          <Menu />
        </main>
      </div>
    </div>
  );
}

function Lost(): Child {
  return (
    <Empty icon="warn" title={t('state.chunk')} text={t('state.chunk_text')}>
      <Button label={t('do.reload')} icon="refresh" onClick={() => location.reload()} />
    </Empty>
  );
}

// --- login --------------------------------------------------------------------------------------------------------------

let password = '';
let signing = false;

async function submit(): Promise<void> {
  if (!password || signing) return;
  signing = true;
  redraw();
  await signIn({ password });
  password = '';
  signing = false;
  redraw();
}

function Login(): Child {
  const away = session.state === 'unreachable';
  return (
    <main class="login">
      <div class="card">
        <div class="brand">
          <Mark />
          <h1>Penstock</h1>
        </div>
        {away ? (
          <div class="stack">
            <p class="row text-error">
              <Icon name="warn" /> {t('state.offline')}
            </p>
            <p class="dim">{t('state.offline_text')}</p>
            <Button label={t('do.retry')} icon="refresh" kind="primary" onClick={() => void lookAtSession()} />
          </div>
        ) : (
          <div class="stack loose">
            {session.fault && (
              <p class="wrong" role="alert">
                {session.fault}
              </p>
            )}
            {session.info.password_set && (
              <form
                class="stack"
                onSubmit={(e: Event) => {
                  e.preventDefault();
                  void submit();
                }}
              >
                <Field id="password" label={t('login.password')}>
                  <Input id="password" type="password" autocomplete="current-password" value={password} onInput={(v) => ((password = v), redraw())} />
                </Field>
                <button type="submit" class="btn primary" disabled={signing}>
                  {t('login.in')}
                </button>
              </form>
            )}
            <div class="stack tight">
              <h2>{t('login.link_title')}</h2>
              <p class="dim">{t('login.link_text')}</p>
              <div class="copy">
                <pre tabindex="0">penstock open</pre>
              </div>
            </div>
          </div>
        )}
      </div>
      <div class="row login-foot">
        <Select id="language" label={t('look.language')} value={languageNow()} options={LANGUAGES.map((l) => [l.id, l.name] as const)} onChange={chooseLanguage} />
      </div>
    </main>
  );
}

export function App(): Child {
  return (
    <>
      {session.state === 'unknown' ? <div key="wait" class="login" aria-busy="true" /> : session.state === 'in' ? <Frame key="frame" /> : <Login key="login" />}
      <Dialogs />
      <Toasts />
    </>
  );
}

export function startShell(): void {
  window.addEventListener('popstate', () => void show());
  document.addEventListener('keydown', onKey);
  void show();
}
