// parts/account.tsx - everything about one account, in a drawer.
import { change, get, part, remove } from '../api';
import { live, loadAccounts, putAccount } from '../live';
import { left, providerName, standing } from '../standing';
import { compact, dateTime, number, span, t, timeOfDay, word } from '../text';
import { Account } from '../types';
import { Button, Field, Input, Loader, Select, openDialog, say, sayError } from '../ui';
import { Child, Fragment, h, redraw } from '../view';
import { openAddAccount } from './add';
import { clearLockouts, fixAccount, isFixed, refreshAccount, removeAccount, setFlag, testAccount } from './actions';
import { History, Past } from './history';
import { QuotaBar } from './quota_bar';
import { scopeName } from './sentences';

interface Binding {
  key: string;
  session: string;
  used_unix_ms: number;
}

const find = (id: number): Account | undefined => live.accounts?.find((a) => a.id === id);

// A change of one member, kept while it is typed and sent when asked for.
class Draft {
  label: string;
  tier: string;
  concurrency: string;
  models: string;
  proxy: string;
  wrong: Record<string, string> = {};
  busy = false;
  constructor(a: Account) {
    this.label = a.label;
    this.tier = a.tier;
    this.concurrency = String(a.max_concurrency);
    this.proxy = a.proxy ?? '';
    this.models = Array.isArray(a.models) ? (a.models as string[]).join(', ') : '';
  }

  async save(a: Account): Promise<void> {
    const body: Record<string, unknown> = {};
    if (this.label.trim() !== a.label) body.label = this.label.trim();
    if (this.tier !== a.tier) body.tier = this.tier || null;
    if (Number(this.concurrency) !== a.max_concurrency) body.max_concurrency = Number(this.concurrency);
    if (this.proxy.trim() !== (a.proxy ?? '')) body.proxy = this.proxy.trim() || null;
    if (Object.keys(body).length === 0) return;
    this.busy = true;
    this.wrong = {};
    redraw();
    try {
      putAccount(await change(`api/accounts/${part(a.id)}`, body));
      say(t('did.saved'));
    } catch (error) {
      const e = error as { path?: string; message: string };
      if (e.path && e.path in { label: 1, tier: 1, max_concurrency: 1, proxy: 1 }) this.wrong[e.path] = e.message;
      else sayError(error);
    }
    this.busy = false;
    redraw();
  }
}

function Section({ title, children, tools }: { title: string; children?: Child; tools?: Child }): Child {
  return (
    <section class="part">
      <div class="row">
        <h3 class="grow">{title}</h3>
        {tools}
      </div>
      {children}
    </section>
  );
}

function Lockouts({ a }: { a: Account }): Child {
  if (a.lockouts.length === 0) return null;
  return (
    <Section title={t('account.lockouts')} tools={<Button label={t('do.unlock')} kind="small" icon="lock" onClick={() => void clearLockouts(a)} />}>
      <ul class="stack tight">
        {a.lockouts.map((l) => (
          <li class="lockout" key={`${l.scope}-${l.reason}`}>
            <div class="row wrap">
              <span class="chip locked">{scopeName(l.scope)}</span>
              <span>{word('verdict', l.reason)}</span>
              <span class="dim">{left(l.until_unix_ms)}</span>
            </div>
            <div class="small faint">
              {l.named_by_provider ? t('lockout.named') : t('lockout.own')} · {t('lockout.since', { time: timeOfDay(l.since_unix_ms) })}
              {l.failures > 1 && ` · ${t('lockout.failures', { n: l.failures })}`}
              {l.status > 0 && ` · HTTP ${l.status}`}
            </div>
            {l.evidence && <div class="small mono evidence">{l.evidence}</div>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Sessions({ a, bindings }: { a: Account; bindings: Loader<{ bindings: Binding[]; next: string | null }> }): Child {
  return (
    <Section title={t('account.bound', { n: a.sessions })}>
      {a.sessions === 0 ? (
        <p class="small faint">{t('account.bound_none')}</p>
      ) : (
        bindings.view(
          (d) => (
            <ul class="bindings">
              {d.bindings.map((b) => (
                <li class="row" key={b.key}>
                  <code class="grow clip">{b.session}</code>
                  <span class="small faint nowrap">{t('ago', { time: span(Date.now() - b.used_unix_ms) })}</span>
                  <Button
                    label={t('do.unbind')}
                    icon="close"
                    iconOnly
                    kind="quiet small"
                    onClick={async () => {
                      try {
                        await remove(`api/scheduling/bindings/${part(b.key)}`);
                        void bindings.load();
                        void loadAccounts();
                      } catch (error) {
                        sayError(error);
                      }
                    }}
                  />
                </li>
              ))}
            </ul>
          ),
          2,
        )
      )}
    </Section>
  );
}

function Requests({ a }: { a: Account }): Child {
  const list = live.rows.filter((r) => r.account === a.label).slice(0, 8);
  return (
    <Section title={t('account.requests')} tools={<a href={`logs?account=${encodeURIComponent(a.label)}`}>{t('account.requests_all')}</a>}>
      {list.length === 0 ? (
        <p class="small faint">{t('account.requests_none')}</p>
      ) : (
        <ul class="bindings">
          {list.map((r) => (
            <li class="row small" key={r.id}>
              <span class="faint nowrap">{timeOfDay(r.started_unix_ms)}</span>
              <span class="grow clip">{r.model}</span>
              <span class={r.status >= 400 || r.status === 0 ? 'text-error' : 'text-ok'}>{r.status || '–'}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Facts({ a, draft }: { a: Account; draft: Draft }): Child {
  const file = a.declared_in === 'file';
  return (
    <Section title={t('account.facts')}>
      <div class="fields">
        <Field id="edit-label" label={t('add.label')} wrong={draft.wrong.label} hint={file ? t('account.file') : undefined}>
          <Input id="edit-label" value={draft.label} disabled={file} wrong={!!draft.wrong.label} onInput={(v) => ((draft.label = v), redraw())} onEnter={() => void draft.save(a)} />
        </Field>
        <Field id="edit-tier" label={t('add.tier')} wrong={draft.wrong.tier}>
          <Select id="edit-tier" value={draft.tier} options={[['', t('add.tier_none')], ['ULTRA', 'ULTRA'], ['PRO', 'PRO'], ['FREE', 'FREE']]} onChange={(v) => ((draft.tier = v), redraw())} />
        </Field>
        <Field id="edit-concurrency" label={t('add.concurrency')} hint={t('add.concurrency_hint')} wrong={draft.wrong.max_concurrency}>
          <Input id="edit-concurrency" type="number" min={0} value={draft.concurrency} wrong={!!draft.wrong.max_concurrency} onInput={(v) => ((draft.concurrency = v), redraw())} onEnter={() => void draft.save(a)} />
        </Field>
        <Field id="edit-proxy" label={t('account.proxy')} hint={file ? t('account.file') : t('account.proxy_hint')} wrong={draft.wrong.proxy}>
          <Input id="edit-proxy" mono value={draft.proxy} disabled={file} wrong={!!draft.wrong.proxy} onInput={(v) => ((draft.proxy = v), redraw())} onEnter={() => void draft.save(a)} />
        </Field>
      </div>
      <div class="row">
        <Button label={t('do.save')} kind="small" busy={draft.busy} disabled={draft.label.trim() === a.label && draft.tier === a.tier && Number(draft.concurrency) === a.max_concurrency && draft.proxy.trim() === (a.proxy ?? '')} onClick={() => void draft.save(a)} />
      </div>
      <dl class="kv small">
        <dt>{t('col.provider')}</dt>
        <dd>{providerName(a.provider)}</dd>
        <dt>{t('account.models')}</dt>
        <dd>
          {a.models_known === 0 ? t('account.models_any') : number(a.models_known)} <span class="faint">({word('models_source', a.models_source)})</span>
        </dd>
        {a.renewal && (
          <>
            <dt>{t('account.signin')}</dt>
            <dd>
              {t(`account.renewal_${a.renewal}`)}
              {a.imported_from && <div class="faint">{t('account.imported_from', { file: a.imported_from })}</div>}
            </dd>
          </>
        )}
        <dt>{t('account.created')}</dt>
        <dd>{file ? t('account.in_file') : dateTime(a.created_unix_ms)}</dd>
        <dt>{t('account.inflight')}</dt>
        <dd>
          {number(a.in_flight)}
          {a.max_concurrency > 0 && ` / ${number(a.max_concurrency)}`}
        </dd>
        {a.today && (
          <>
            <dt>{t('account.today_label')}</dt>
            <dd>{t('account.today_text', { requests: a.today.requests, in: compact(a.today.tokens_in), out: compact(a.today.tokens_out) })}</dd>
          </>
        )}
        <dt>{t('col.served')}</dt>
        <dd>
          {compact(a.served)} · {t('account.failed', { n: compact(a.failed) })}
        </dd>
      </dl>
    </Section>
  );
}

export function openAccount(id: number): void {
  const first = find(id);
  if (!first) return;
  const draft = new Draft(first);
  const bindings = new Loader<{ bindings: Binding[]; next: string | null }>(() => get(`api/scheduling/bindings?account=${part(id)}&limit=50`));
  const past = new Loader<Past>(() => get<Past>(`api/accounts/${part(id)}/history`));
  past.ensure();
  const drawer = openDialog({
    kind: 'drawer',
    title: () => find(id)?.label ?? first.label,
    body: () => {
      const a = find(id);
      if (!a) return <p class="dim">{t('account.gone')}</p>;
      const s = standing(a);
      return (
        <div class="stack loose">
          <div class="row wrap">
            <span class={`chip ${s.kind}`}>{s.word}</span>
            {isFixed(a) && <span class="chip accent">{t('stand.fixed')}</span>}
            {a.tier && <span class="chip">{a.tier}</span>}
            {s.why && <span class="dim">{s.why}</span>}
          </div>
          <div class="row wrap">
            {a.sign_in_again && <Button label={t('stand.sign_in')} kind="primary small" onClick={() => (drawer.close(), openAddAccount(a.provider))} />}
            <Button label={t('do.test')} icon="bolt" kind="small" onClick={() => void testAccount(a)} />
            <Button label={t('do.refresh')} icon="refresh" kind="small" onClick={() => void refreshAccount(a)} />
            <Button label={isFixed(a) ? t('do.unfix') : t('do.fix')} icon="pin" kind="small" pressed={isFixed(a)} onClick={() => void fixAccount(isFixed(a) ? null : a)} />
            <Button label={a.proxy_disabled ? t('do.resume') : t('do.pause')} icon={a.proxy_disabled ? 'play' : 'pause'} kind="small" onClick={() => void setFlag(a, 'proxy_disabled', !a.proxy_disabled)} />
            <Button label={a.disabled ? t('do.enable') : t('do.disable')} kind="small" onClick={() => void setFlag(a, 'disabled', !a.disabled)} />
            {a.declared_in !== 'file' && <Button label={t('do.remove')} icon="trash" kind="small danger" onClick={() => removeAccount(a, () => drawer.close())} />}
          </div>
          <Lockouts a={a} />
          <Section title={t('account.quota')}>
            {a.quota.length === 0 ? (
              <p class="small faint">{t('quota.none_long')}</p>
            ) : (
              <div class="stack">
                {a.quota.map((q) => (
                  <QuotaBar key={q.group} a={a} q={q} wide />
                ))}
              </div>
            )}
          </Section>
          <History past={past.data} />
          <Sessions a={a} bindings={bindings} />
          <Requests a={a} />
          <Facts a={a} draft={draft} />
        </div>
      );
    },
  });
}

