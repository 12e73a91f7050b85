// parts/add.tsx - the dialog that adds an account: by an API key, or by signing in at the provider.
import { ApiError, get, part, post, remove } from '../api';
import { Icon } from '../icons';
import { loadAccounts } from '../live';
import { providerName } from '../standing';
import { has, said, span, t } from '../text';
import { Button, Copy, DialogHandle, Field, Input, Prose, Select, copyAndSay, openDialog, say } from '../ui';
import { Child, Fragment, h, redraw } from '../view';
import { openProvider } from './provider';

const SIGN_IN = ['antigravity', 'codex', 'copilot'] as const;
const BY_KEY = ['anthropic', 'openai', 'gemini', 'compatible'] as const;
const WIRES = ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'cloudcode'] as const;
const POLL_MS = 2000;

// A sign-in as GET /api/signin/{id} tells it.
interface SignIn {
  id: string;
  provider: string;
  state: 'waiting' | 'working' | 'done' | 'failed';
  url: string | null;
  user_code: string | null;
  listening: boolean; // the browser of this machine comes back by itself
  note: string | null;
  error: string | null;
  seconds_left: number;
  account: { id: number; label: string } | null;
}

class Add {
  provider = '';
  label = '';
  key = '';
  baseUrl = '';
  wire = 'openai-chat';
  models = '';
  tier = '';
  wrong: Record<string, string> = {};
  fault = '';
  busy = false;
  signIn: SignIn | null = null;
  absent = false;
  lacksClient = false;
  pasted = '';
  private timer = 0;

  choose(provider: string): void {
    this.provider = provider;
    this.wrong = {};
    this.fault = '';
    this.absent = false;
    redraw();
    if ((SIGN_IN as readonly string[]).includes(provider)) return;
    requestAnimationFrame(() => document.getElementById('add-label')?.focus());
  }

  back(): void {
    this.stop();
    this.lacksClient = false;
    this.provider = '';
    this.signIn = null;
    this.fault = '';
    redraw();
  }

  // --- by key

  private check(): boolean {
    this.wrong = {};
    if (!this.label.trim()) this.wrong.label = t('add.wrong_label');
    if (this.provider === 'compatible') {
      if (!/^https?:\/\/[^\s/]+/.test(this.baseUrl.trim())) this.wrong.base_url = t('add.wrong_url');
    } else if (!this.key.trim()) this.wrong.api_key = t('add.wrong_key');
    return Object.keys(this.wrong).length === 0;
  }

  async save(done: () => void): Promise<void> {
    if (this.busy || !this.check()) return redraw();
    const body: Record<string, unknown> = { label: this.label.trim(), provider: this.provider };
    if (this.key.trim()) body.api_key = this.key.trim();
    if (this.baseUrl.trim()) body.base_url = this.baseUrl.trim();
    if (this.provider === 'compatible') body.wire = this.wire;
    if (this.tier) body.tier = this.tier;
    const models = this.models.split(/[\s,]+/).filter(Boolean);
    if (models.length > 0) body.models = models;
    this.busy = true;
    this.fault = '';
    redraw();
    try {
      const made = await post<{ id: number; label: string; check: { ok: boolean; message: string } | null }>('api/accounts', body);
      this.key = '';
      void loadAccounts();
      const unsure = made.check && !made.check.ok;
      say(unsure ? t('did.added_unchecked', { label: made.label, why: made.check!.message }) : t('did.added', { label: made.label }), { action: { label: t('do.undo'), run: () => void remove(`api/accounts/${part(made.id)}`).then(loadAccounts) } });
      done();
    } catch (error) {
      const e = error as ApiError;
      const field = ['label', 'api_key', 'base_url', 'wire', 'models', 'tier'].find((name) => e.path === name || e.path.endsWith(`.${name}`) || e.path.startsWith(`${name}[`));
      if (field) this.wrong[field] = e.message;
      else this.fault = e.status === 0 ? t('state.offline') : e.message;
    }
    this.busy = false;
    redraw();
  }

  // --- by signing in

  async start(done: () => void): Promise<void> {
    this.busy = true;
    this.fault = '';
    this.lacksClient = false;
    this.signIn = null;
    this.pasted = '';
    redraw();
    try {
      this.signIn = await post<SignIn>(`api/signin/${this.provider}`, this.label.trim() ? { label: this.label.trim() } : {});
      if (this.signIn.url) window.open(this.signIn.url, '_blank', 'noopener,noreferrer');
      this.poll(done);
    } catch (error) {
      const e = error as ApiError;
      this.absent = e.absent;
      this.lacksClient = e.status === 409 && e.message.includes('client_id');
      this.fault = e.absent ? '' : e.status === 0 ? t('state.offline') : e.message;
    }
    this.busy = false;
    redraw();
  }

  private took(s: SignIn, done: () => void): void {
    this.signIn = s;
    if (s.state === 'done') {
      const label = s.account?.label ?? providerName(s.provider);
      this.stop();
      void loadAccounts();
      say(t('did.added', { label }));
      done();
    } else if (s.state === 'failed') {
      this.stop();
      this.fault = said(s.error) || t('signin.failed');
    }
    redraw();
  }

  private poll(done: () => void): void {
    this.stop();
    this.timer = window.setInterval(async () => {
      if (!this.signIn) return this.stop();
      try {
        this.took(await get<SignIn>(`api/signin/${part(this.signIn.id)}`), done);
      } catch (error) {
        if ((error as ApiError).status === 404) {
          this.stop();
          this.signIn = null;
          this.fault = t('signin.expired');
          redraw();
        }
      }
    }, POLL_MS);
  }

  async paste(done: () => void): Promise<void> {
    if (!this.signIn || !this.pasted.trim()) return;
    this.busy = true;
    this.fault = '';
    redraw();
    try {
      this.took(await post<SignIn>(`api/signin/${part(this.signIn.id)}/code`, { code: this.pasted.trim() }), done);
    } catch (error) {
      this.fault = (error as ApiError).message;
    }
    this.busy = false;
    redraw();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = 0;
  }

  cancel(): void {
    this.stop();
    if (this.signIn && !this.fault && this.signIn.state !== 'done') void remove(`api/signin/${part(this.signIn.id)}`).catch(() => undefined);
  }
}

function Providers({ a }: { a: Add }): Child {
  const item = (id: string): Child => (
    <button key={id} type="button" class="choice" onClick={() => a.choose(id)}>
      <b>{providerName(id)}</b>
      <span class="small dim">{has(`provider.${id}`) ? t(`provider.${id}` as 'provider.openai') : ''}</span>
    </button>
  );
  return (
    <div class="stack">
      <h3>{t('add.by_key')}</h3>
      <div class="choices">{BY_KEY.map(item)}</div>
      <h3>{t('add.by_signin')}</h3>
      <div class="choices">{SIGN_IN.map(item)}</div>
      <p class="small faint">{t('add.entitled')}</p>
    </div>
  );
}

function KeyForm({ a, done }: { a: Add; done: () => void }): Child {
  const own = a.provider === 'compatible';
  const save = (): void => void a.save(done);
  return (
    <div class="stack loose">
      <Field id="add-label" label={t('add.label')} hint={t('add.label_hint')} wrong={a.wrong.label}>
        <Input id="add-label" value={a.label} placeholder={own ? 'lab' : 'work'} wrong={!!a.wrong.label} onInput={(v) => ((a.label = v), redraw())} onEnter={save} />
      </Field>
      {own && (
        <>
          <Field id="add-url" label={t('add.url')} hint={t('add.url_hint')} wrong={a.wrong.base_url}>
            <Input id="add-url" mono value={a.baseUrl} placeholder="http://127.0.0.1:11434/v1" wrong={!!a.wrong.base_url} onInput={(v) => ((a.baseUrl = v), redraw())} onEnter={save} />
          </Field>
          <Field id="add-wire" label={t('add.wire')} wrong={a.wrong.wire}>
            <Select id="add-wire" value={a.wire} options={WIRES.map((w) => [w, w] as const)} onChange={(v) => ((a.wire = v), redraw())} />
          </Field>
        </>
      )}
      <Field id="add-key" label={own ? t('add.key_optional') : t('add.key')} hint={t('add.key_hint')} wrong={a.wrong.api_key}>
        <Input id="add-key" type="password" mono value={a.key} autocomplete="new-password" wrong={!!a.wrong.api_key} onInput={(v) => ((a.key = v), redraw())} onEnter={save} />
      </Field>
      <details class="more">
        <summary>{t('add.more')}</summary>
        <div class="stack">
          {!own && (
            <Field id="add-url" label={t('add.url_other')} wrong={a.wrong.base_url}>
              <Input id="add-url" mono value={a.baseUrl} wrong={!!a.wrong.base_url} onInput={(v) => ((a.baseUrl = v), redraw())} onEnter={save} />
            </Field>
          )}
          <Field id="add-models" label={t('add.models')} hint={t('add.models_hint')} wrong={a.wrong.models}>
            <Input id="add-models" mono value={a.models} placeholder="qwen*, llama-4" wrong={!!a.wrong.models} onInput={(v) => ((a.models = v), redraw())} onEnter={save} />
          </Field>
          <Field id="add-tier" label={t('add.tier')} hint={t('add.tier_hint')} wrong={a.wrong.tier}>
            <Select id="add-tier" value={a.tier} options={[['', t('add.tier_none')], ['ULTRA', 'ULTRA'], ['PRO', 'PRO'], ['FREE', 'FREE']]} onChange={(v) => ((a.tier = v), redraw())} />
          </Field>
        </div>
      </details>
      {a.fault && (
        <p class="wrong" role="alert">
          {a.fault}
        </p>
      )}
    </div>
  );
}

function SignInForm({ a, done }: { a: Add; done: () => void }): Child {
  const s = a.signIn;
  if (a.absent)
    return (
      <div class="stack">
        <p class="row">
          <Icon name="info" /> {t('signin.absent', { provider: providerName(a.provider) })}
        </p>
      </div>
    );
  if (!s || s.state === 'failed')
    return (
      <div class="stack loose">
        <p>{t('signin.intro', { provider: providerName(a.provider) })}</p>
        <Field id="add-label" label={t('add.label_optional')} hint={t('signin.label_hint')}>
          <Input id="add-label" value={a.label} onInput={(v) => ((a.label = v), redraw())} onEnter={() => void a.start(done)} />
        </Field>
        {a.lacksClient ? (
          <div class="stack" role="alert">
            <p class="wrong">
              <Prose text={t('signin.no_client', { provider: providerName(a.provider) })} />
            </p>
            <p class="small dim">
              <Prose text={a.fault} />
            </p>
            <div>
              <Button label={t('signin.enter_client')} icon="key" onClick={() => void openProvider(a.provider)} />
            </div>
          </div>
        ) : (
          a.fault && (
            <p class="wrong" role="alert">
              {a.fault}
            </p>
          )
        )}
      </div>
    );
  return (
    <div class="stack loose">
      {a.fault ? (
        <p class="wrong" role="alert">
          {a.fault}
        </p>
      ) : (
        <p class="row" role="status">
          <i class="dot accent pulse" /> {t('signin.waiting')}
          {s.seconds_left > 0 && <span class="faint small">{t('signin.ends', { time: span(s.seconds_left * 1000) })}</span>}
        </p>
      )}
      {!a.fault && s.error && (
        <p class="wrong" role="alert">
          {said(s.error)}
        </p>
      )}
      {s.note && <p class="small dim">{said(s.note)}</p>}
      {s.user_code && (
        <div class="stack tight">
          <span class="small dim">{t('signin.code')}</span>
          <div class="row">
            <code class="usercode">{s.user_code}</code>
            <Button label={t('do.copy')} icon="copy" kind="small" onClick={() => void copyAndSay(s.user_code!)} />
          </div>
        </div>
      )}
      {s.url && (
        <div class="stack tight">
          <span class="small dim">{t('signin.url')}</span>
          <Copy text={s.url} label={t('signin.url')} />
          <a class="btn" href={s.url} target="_blank" rel="noopener noreferrer">
            <Icon name="external" /> {t('signin.open')}
          </a>
        </div>
      )}
      {!s.user_code && (
        <details class="more" ref={(el: HTMLDetailsElement | null) => el && (el.open = !s.listening)}>
          <summary>{t('signin.paste_title')}</summary>
          <div class="stack">
            <Field id="signin-paste" label={t('signin.paste')} hint={t('signin.paste_hint')}>
              <Input id="signin-paste" mono value={a.pasted} placeholder="http://localhost:…/?code=…" onInput={(v) => ((a.pasted = v), redraw())} onEnter={() => void a.paste(done)} />
            </Field>
            <div>
              <Button label={t('signin.paste_do')} busy={a.busy} disabled={!a.pasted.trim()} onClick={() => void a.paste(done)} />
            </div>
          </div>
        </details>
      )}
    </div>
  );
}

export function openAddAccount(provider = ''): void {
  const a = new Add();
  const signs = (): boolean => (SIGN_IN as readonly string[]).includes(a.provider);
  const done = (d: DialogHandle) => (): void => d.close();
  if (typeof provider === 'string' && provider) a.provider = provider;
  openDialog({
    title: () => (a.provider ? t('add.title_of', { provider: providerName(a.provider) }) : t('add.title')),
    onClose: () => a.cancel(),
    body: (d) => (!a.provider ? <Providers a={a} /> : signs() ? <SignInForm a={a} done={done(d)} /> : <KeyForm a={a} done={done(d)} />),
    foot: (d) => (
      <>
        {a.provider && <Button label={t('do.back')} kind="quiet" onClick={() => a.back()} />}
        <span class="grow" />
        <Button label={t('do.cancel')} onClick={d.close} />
        {a.provider && !signs() && <Button label={t('add.do')} kind="primary" busy={a.busy} onClick={() => void a.save(done(d))} />}
        {signs() && (!a.signIn || a.signIn.state === 'failed') && !a.absent && <Button label={t('signin.start')} kind="primary" busy={a.busy} onClick={() => void a.start(done(d))} />}
      </>
    ),
  });
}
