// parts/provider.tsx - what is set for all accounts of a provider: the OAuth client to sign in with, where it is, headers, times.
import { ApiError } from '../api';
import { all, changeSettings, valueOf } from '../settings';
import { providerName } from '../standing';
import { TextKey, t } from '../text';
import { Button, Field, Input, openDialog, say } from '../ui';
import { Child, Fragment, h, redraw } from '../view';

interface Provider {
  base_url?: string | string[];
  headers?: Record<string, string>; // names only: values are never shown
  timeouts?: Record<string, number>;
  oauth?: Record<string, string | string[]>;
}

const PROVIDERS = ['antigravity', 'codex', 'copilot', 'anthropic', 'openai', 'gemini', 'compatible'] as const;
const TIMES = ['dns_ms', 'connect_ms', 'tls_ms', 'write_ms', 'first_byte_ms', 'idle_ms', 'total_ms'] as const;
const URLS: Record<string, readonly string[]> = {
  antigravity: ['authorize_url', 'token_url', 'user_url'],
  codex: ['authorize_url', 'token_url'],
  copilot: ['device_url', 'token_url', 'user_url', 'exchange_url'],
};
const HEADER_NAME = /^[\w!#$%&'*+^`|~-]{1,128}$/;

const ofProvider = (name: string): Provider => valueOf<Record<string, Provider>>('providers')?.[name] ?? {};

interface Header {
  key: number;
  name: string;
  value: string;
  known: boolean; // it is there already: its value is not shown
}

const lines = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);
const joined = (v: string | string[] | undefined): string => (Array.isArray(v) ? v.join('\n') : v ?? '');
const oneOrMore = (text: string): unknown => (lines(text).length > 1 ? lines(text) : lines(text)[0] ?? null);

class Form {
  private readonly was: Provider;
  private readonly before = new Map<string, string>();
  readonly text = new Map<string, string>();
  readonly wrong = new Map<string, string>();
  headers: Header[];
  secretDropped = false;
  more = false; // what is seldom changed is seen
  fault = '';
  busy = false;
  private keys = 0;

  constructor(readonly name: string) {
    this.was = ofProvider(name);
    this.put('base_url', joined(this.was.base_url));
    for (const time of TIMES) this.put(`timeouts.${time}`, this.was.timeouts?.[time] ? String(this.was.timeouts[time]) : '');
    if (this.signsIn) {
      for (const member of ['client_id', 'scopes', 'listen', ...URLS[name]!]) this.put(`oauth.${member}`, joined(this.was.oauth?.[member]));
      this.put('oauth.client_secret', '');
    }
    this.headers = Object.keys(this.was.headers ?? {}).map((header) => ({ key: this.keys++, name: header, value: '', known: true }));
  }

  get signsIn(): boolean {
    return this.name in URLS;
  }

  get secretHint(): string {
    return this.secretDropped ? '' : joined(this.was.oauth?.client_secret);
  }

  private put(member: string, text: string): void {
    this.before.set(member, text);
    this.text.set(member, text);
  }

  addHeader(): void {
    this.headers = [...this.headers, { key: this.keys++, name: '', value: '', known: false }];
    redraw();
  }

  // What differs from before, as members of PATCH /api/settings.
  private changes(): Record<string, unknown> | null {
    const set: Record<string, unknown> = {};
    const at = `providers.${this.name}.`;
    this.wrong.clear();
    for (const [member, text] of this.text) {
      if (text.trim() === this.before.get(member)) continue;
      if (member.startsWith('timeouts.')) {
        if (text.trim() && !/^\d+$/.test(text.trim())) this.wrong.set(member, t('wrong.number'));
        set[at + member] = text.trim() ? Number(text) : null;
      } else if (member === 'base_url' || member === 'oauth.listen') set[at + member] = oneOrMore(text);
      else set[at + member] = text.trim() || null;
    }
    if (this.secretDropped && !this.text.get('oauth.client_secret')) set[`${at}oauth.client_secret`] = null;
    const kept = new Set(this.headers.map((one) => one.name.trim()));
    for (const header of Object.keys(this.was.headers ?? {})) if (!kept.has(header)) set[`${at}headers.${header}`] = null;
    for (const header of this.headers) {
      if (header.known && !header.value) continue;
      if (!HEADER_NAME.test(header.name.trim())) this.wrong.set(`header.${header.key}`, t('providers.wrong_header'));
      else if (!header.value.trim()) this.wrong.set(`header.${header.key}`, t('providers.wrong_value'));
      set[`${at}headers.${header.name.trim()}`] = header.value.trim();
    }
    return this.wrong.size === 0 ? set : null;
  }

  async save(done: () => void): Promise<void> {
    const set = this.changes();
    this.fault = '';
    if (this.busy || !set) return redraw();
    if (Object.keys(set).length === 0) return done();
    this.busy = true;
    redraw();
    try {
      await changeSettings({ set });
      say(t('did.saved'));
      done();
    } catch (error) {
      this.tell(error as ApiError);
    }
    this.busy = false;
    redraw();
  }

  private tell(e: ApiError): void {
    const member = e.path.replace(`providers.${this.name}.`, '');
    const field = [...this.text.keys()].find((one) => member === one || member.startsWith(`${one}[`));
    const header = this.headers.find((one) => member === `headers.${one.name.trim()}`);
    if (field) {
      this.wrong.set(field, e.message);
      this.more ||= field.startsWith('oauth.');
    } else if (header) this.wrong.set(`header.${header.key}`, e.message);
    else this.fault = e.status === 0 ? t('state.offline') : e.message;
    if (e.status === 409) void all.load();
  }
}

function Text({ f, member, label, hint, placeholder, type, save }: { f: Form; member: string; label: string; hint?: string; placeholder?: string; type?: string; save: () => void }): Child {
  const id = `provider-${member}`;
  const wrong = f.wrong.get(member);
  return (
    <Field id={id} key={member} label={label} hint={hint} wrong={wrong}>
      <Input id={id} mono={type !== 'number'} type={type} autocomplete={type === 'password' ? 'new-password' : 'off'} value={f.text.get(member)!} placeholder={placeholder} wrong={!!wrong} onInput={(v) => (f.text.set(member, v), f.wrong.delete(member), redraw())} onEnter={save} />
    </Field>
  );
}

function Client({ f, save }: { f: Form; save: () => void }): Child {
  const variable = `PENSTOCK_${f.name.toUpperCase()}`;
  return (
    <section class="part stack">
      <h3>{t('providers.client')}</h3>
      <p class="small dim">{t('providers.client_text', { provider: providerName(f.name) })}</p>
      <Text f={f} member="oauth.client_id" label={t('providers.client_id')} hint={t('providers.env', { variable: `${variable}_CLIENT_ID` })} save={save} />
      <Text f={f} member="oauth.client_secret" type="password" label={t('providers.client_secret')} placeholder={f.secretHint ? t('providers.secret_set', { hint: f.secretHint }) : t('providers.secret_unset')} hint={t('add.key_hint_file')} save={save} />
      {f.secretHint && (
        <div>
          <Button label={t('providers.drop_secret')} kind="small" onClick={() => ((f.secretDropped = true), f.text.set('oauth.client_secret', ''), redraw())} />
        </div>
      )}
      <details class="more" open={f.more} onToggle={(e: Event) => (f.more = (e.target as HTMLDetailsElement).open)}>
        <summary>{t('add.more')}</summary>
        <div class="stack">
          <Text f={f} member="oauth.scopes" label={t('providers.scopes')} placeholder={t('providers.usual')} save={save} />
          {f.name !== 'copilot' && <Text f={f} member="oauth.listen" label={t('providers.listen')} placeholder="127.0.0.1, [::1]" hint={t('providers.listen_hint')} save={save} />}
          {URLS[f.name]!.map((member) => (
            <Text f={f} key={member} member={`oauth.${member}`} label={t(`providers.${member}` as TextKey)} placeholder={t('providers.usual')} save={save} />
          ))}
        </div>
      </details>
    </section>
  );
}

function Headers({ f, save }: { f: Form; save: () => void }): Child {
  return (
    <section class="part stack">
      <h3>{t('providers.headers')}</h3>
      <p class="small dim">{t('providers.headers_text')}</p>
      {f.headers.map((header) => {
        const id = `provider-header-${header.key}`;
        const wrong = f.wrong.get(`header.${header.key}`);
        return (
          <div class="stack tight" key={header.key}>
            <div class="row">
              <Input id={id} mono label={t('providers.header_name')} placeholder={t('providers.header_name')} value={header.name} disabled={header.known} wrong={!!wrong} onInput={(v) => ((header.name = v), redraw())} onEnter={save} />
              <Input id={`${id}-value`} mono label={t('providers.header_value', { name: header.name })} placeholder={header.known ? t('providers.not_shown') : t('providers.value')} value={header.value} onInput={(v) => ((header.value = v), redraw())} onEnter={save} />
              <Button label={t('route.drop', { name: header.name })} icon="close" iconOnly kind="quiet small" onClick={() => ((f.headers = f.headers.filter((one) => one !== header)), redraw())} />
            </div>
            {wrong && (
              <span class="wrong" role="alert" id={`${id}-wrong`}>
                {wrong}
              </span>
            )}
          </div>
        );
      })}
      <div>
        <Button label={t('providers.add_header')} icon="plus" kind="small" onClick={() => f.addHeader()} />
      </div>
    </section>
  );
}

function Body({ f, save }: { f: Form; save: () => void }): Child {
  return (
    <div class="stack loose">
      {f.signsIn && <Client f={f} save={save} />}
      <section class="part stack">
        <h3>{t('add.url')}</h3>
        <Text f={f} member="base_url" label={t('providers.base_url')} placeholder={t('providers.usual')} hint={t('providers.base_url_hint')} save={save} />
      </section>
      <Headers f={f} save={save} />
      <section class="part stack">
        <h3>{t('providers.timeouts')}</h3>
        <div class="fields">
          {TIMES.map((time) => (
            <Text f={f} key={time} member={`timeouts.${time}`} type="number" label={t(`providers.${time}`)} placeholder={String(valueOf<number>(`timeouts.${time}`) ?? '')} save={save} />
          ))}
        </div>
      </section>
      {f.fault && (
        <p class="wrong" role="alert">
          {f.fault}
        </p>
      )}
    </div>
  );
}

export async function openProvider(name: string): Promise<void> {
  if (!all.data) await all.load();
  if (!all.data) return say(t('state.offline'), { bad: true });
  const f = new Form(name);
  openDialog({
    kind: 'box wide',
    title: providerName(name),
    body: (d) => <Body f={f} save={() => void f.save(d.close)} />,
    foot: (d) => (
      <>
        <Button label={t('do.cancel')} onClick={d.close} />
        <Button label={t('do.save')} kind="primary" busy={f.busy} onClick={() => void f.save(d.close)} />
      </>
    ),
  });
}

// --- the list -----------------------------------------------------------------------------------------------------------

function told(name: string): string[] {
  const p = ofProvider(name);
  const headers = Object.keys(p.headers ?? {}).length;
  const times = Object.keys(p.timeouts ?? {}).length;
  const said: string[] = [];
  if (name in URLS) said.push(p.oauth?.client_id ? t('providers.has_client') : t('providers.no_client'));
  if (p.base_url) said.push(joined(p.base_url).replace(/\n/g, ', '));
  if (headers > 0) said.push(t('providers.n_headers', { n: headers }));
  if (times > 0) said.push(t('providers.n_times', { n: times }));
  return said.length > 0 ? said : [t('providers.usual')];
}

export function Providers(): Child {
  return (
    <section class="card" aria-labelledby="providers-title">
      <div class="head">
        <div class="grow">
          <h2 id="providers-title">{t('providers.title')}</h2>
          <p class="small dim">{t('providers.text')}</p>
        </div>
      </div>
      <div>
        {PROVIDERS.map((name) => (
          <div class="keyrow" key={name}>
            <div class="stack tight grow">
              <b>{providerName(name)}</b>
              <span class="small dim break">{told(name).join(' · ')}</span>
            </div>
            <Button label={t('providers.change')} kind="small" name={t('providers.change_of', { provider: providerName(name) })} onClick={() => void openProvider(name)} />
          </div>
        ))}
      </div>
    </section>
  );
}
