// parts/keys.tsx - the keys that clients show: made here, shown once, limited, replaced, revoked.
import { ApiError, change, get, part, post, remove } from '../api';
import { compact, dateTime, number, t } from '../text';
import { Button, Copy, Empty, Field, Input, Loader, MenuItem, confirmDo, openDialog, openMenu, say, sayError } from '../ui';
import { Child, Fragment, h, redraw } from '../view';

interface ClientKey {
  name: string;
  declared_in: 'file' | 'database';
  hint: string;
  key?: string; // only where it was just made
  created_unix_ms: number;
  expired: boolean;
  disabled: boolean;
  expires: string | null;
  models: string[] | null;
  addresses: string[] | null;
  requests_per_minute: number | null;
  tokens_per_day: number | null;
  tokens_per_month: number | null;
  used: { tokens_today: number; tokens_this_month: number };
}

const keys = new Loader<{ keys: ClientKey[]; required: boolean }>(() => get('api/keys'));

// --- one that was made is shown once ------------------------------------------------------------------------------------

function showOnce(k: ClientKey): void {
  openDialog({
    title: t('keys.made', { name: k.name }),
    body: () => (
      <div class="stack">
        <p>{t('keys.once')}</p>
        <Copy text={k.key ?? ''} label={t('keys.key')} />
      </div>
    ),
    foot: (d) => <Button label={t('keys.noted')} kind="primary" onClick={d.close} />,
  });
}

// --- making and changing ------------------------------------------------------------------------------------------------

const FIELDS = ['expires', 'models', 'addresses', 'requests_per_minute', 'tokens_per_day', 'tokens_per_month'] as const;
type FieldName = (typeof FIELDS)[number];

function edit(k: ClientKey | null): void {
  const text: Record<FieldName, string> = {
    expires: k?.expires ?? '',
    models: (k?.models ?? []).join(', '),
    addresses: (k?.addresses ?? []).join(', '),
    requests_per_minute: k?.requests_per_minute ? String(k.requests_per_minute) : '',
    tokens_per_day: k?.tokens_per_day ? String(k.tokens_per_day) : '',
    tokens_per_month: k?.tokens_per_month ? String(k.tokens_per_month) : '',
  };
  let name = k?.name ?? '';
  let wrong: Record<string, string> = {};
  let fault = '';
  let busy = false;
  const list = (v: string): string[] | null => {
    const found = v.split(/[\s,]+/).filter(Boolean);
    return found.length > 0 ? found : null;
  };
  const value = (f: FieldName): unknown => {
    if (f === 'models' || f === 'addresses') return list(text[f]);
    if (f === 'expires') return text[f].trim() || null;
    return text[f].trim() ? Number(text[f]) : null;
  };
  const save = async (close: () => void): Promise<void> => {
    wrong = {};
    fault = '';
    if (!name.trim()) wrong.name = t('add.wrong_label');
    for (const f of FIELDS) if (f.includes('_per_') && text[f].trim() && !/^\d+$/.test(text[f].trim())) wrong[f] = t('wrong.number');
    if (Object.keys(wrong).length > 0) return redraw();
    const body: Record<string, unknown> = {};
    for (const f of FIELDS) if (k ? JSON.stringify(value(f)) !== JSON.stringify(k[f] ?? null) : value(f) !== null) body[f] = value(f);
    busy = true;
    redraw();
    try {
      if (k) await change(`api/keys/${part(k.name)}`, body);
      else showOnce(await post<ClientKey>('api/keys', { name: name.trim(), ...body }));
      if (k) say(t('did.saved'));
      void keys.load();
      close();
    } catch (error) {
      const e = error as ApiError;
      const field = ['name', ...FIELDS].find((f) => e.path === f || e.path.startsWith(`${f}[`));
      if (field) wrong[field] = e.message;
      else fault = e.status === 0 ? t('state.offline') : e.message;
    }
    busy = false;
    redraw();
  };
  openDialog({
    title: k ? t('keys.change', { name: k.name }) : t('keys.add'),
    body: (d) => (
      <div class="stack loose">
        {!k && (
          <Field id="key-name" label={t('add.label')} wrong={wrong.name}>
            <Input id="key-name" value={name} placeholder="laptop" wrong={!!wrong.name} onInput={(v) => ((name = v), redraw())} onEnter={() => void save(d.close)} />
          </Field>
        )}
        <div class="fields">
          {FIELDS.map((f) => (
            <Field id={`key-${f}`} key={f} label={t(`keys.${f}`)} hint={f === 'expires' || f === 'models' || f === 'addresses' ? t(`keys.${f}_hint`) : undefined} wrong={wrong[f]}>
              <Input id={`key-${f}`} mono={f === 'models' || f === 'addresses'} value={text[f]} placeholder={f === 'expires' ? '2027-01-31' : t('when.no_limit')} wrong={!!wrong[f]} onInput={(v) => ((text[f] = v), redraw())} onEnter={() => void save(d.close)} />
            </Field>
          ))}
        </div>
        {fault && (
          <p class="wrong" role="alert">
            {fault}
          </p>
        )}
      </div>
    ),
    foot: (d) => (
      <>
        <Button label={t('do.cancel')} onClick={d.close} />
        <Button label={k ? t('do.save') : t('keys.add')} kind="primary" busy={busy} onClick={() => void save(d.close)} />
      </>
    ),
  });
}

async function setDisabled(k: ClientKey, disabled: boolean): Promise<void> {
  try {
    await change(`api/keys/${part(k.name)}`, { disabled });
    void keys.load();
    say(disabled ? t('did.disabled', { label: k.name }) : t('did.enabled', { label: k.name }), { action: { label: t('do.undo'), run: () => void setDisabled(k, !disabled) } });
  } catch (error) {
    sayError(error);
  }
}

function actions(k: ClientKey): MenuItem[] {
  return [
    { label: t('keys.limits'), icon: 'edit', run: () => edit(k) },
    {
      label: t('keys.rotate'),
      icon: 'refresh',
      run: () =>
        confirmDo({
          title: t('keys.rotate_title', { name: k.name }),
          text: t('keys.rotate_text'),
          label: t('keys.rotate'),
          run: async () => {
            showOnce(await post<ClientKey>(`api/keys/${part(k.name)}/rotate`));
            void keys.load();
          },
        }),
    },
    { label: k.disabled ? t('do.enable') : t('do.disable'), icon: k.disabled ? 'check' : 'close', run: () => void setDisabled(k, !k.disabled) },
    {
      label: t('keys.revoke'),
      icon: 'trash',
      danger: true,
      line: true,
      run: () =>
        confirmDo({
          title: t('keys.revoke_title', { name: k.name }),
          text: t('keys.revoke_text'),
          label: t('keys.revoke'),
          danger: true,
          run: async () => {
            await remove(`api/keys/${part(k.name)}`);
            void keys.load();
          },
        }),
    },
  ];
}

// --- the list -----------------------------------------------------------------------------------------------------------

function limits(k: ClientKey): string {
  const said: string[] = [];
  if (k.models?.length) said.push(k.models.join(', '));
  if (k.requests_per_minute) said.push(t('keys.per_minute', { n: k.requests_per_minute }));
  if (k.tokens_per_day) said.push(t('keys.per_day', { used: compact(k.used.tokens_today), n: compact(k.tokens_per_day) }));
  if (k.tokens_per_month) said.push(t('keys.per_month', { used: compact(k.used.tokens_this_month), n: compact(k.tokens_per_month) }));
  if (k.addresses?.length) said.push(k.addresses.join(', '));
  return said.join(' · ');
}

function Row({ k }: { k: ClientKey }): Child {
  const file = k.declared_in === 'file';
  const state = k.expired ? ['error', t('keys.expired')] : k.disabled ? ['off', t('stand.disabled')] : ['ok', t('keys.valid')];
  return (
    <div class="keyrow" key={k.name}>
      <i class={`dot ${state[0]}`} title={state[1]} />
      <div class="stack tight grow">
        <div class="row wrap">
          <b>{k.name}</b>
          {k.hint && <code class="faint">{k.hint}</code>}
          {state[0] !== 'ok' && <span class={`chip ${state[0]}`}>{state[1]}</span>}
          {file && <span class="chip">{t('account.in_file')}</span>}
        </div>
        <span class="small dim">{limits(k) || t('keys.unlimited')}</span>
      </div>
      <span class="small faint nowrap">{t('account.today', { n: number(k.used.tokens_today) })}</span>
      <span class="small faint nowrap hide-narrow">{k.created_unix_ms > 0 ? dateTime(k.created_unix_ms) : ''}</span>
      {file ? <span class="btn-space" /> : <Button label={t('do.more', { label: k.name })} icon="more" iconOnly kind="quiet small" haspopup="menu" onClick={(e) => openMenu(e, k.name, actions(k))} />}
    </div>
  );
}

export function Keys(): Child {
  return (
    <section class="card" aria-labelledby="keys-title">
      <div class="head">
        <div class="grow">
          <h2 id="keys-title">{t('set.tab_keys')}</h2>
          <p class="small dim">{t('keys.text')}</p>
        </div>
        <Button label={t('keys.add')} icon="plus" kind="small primary" disabled={!keys.data} onClick={() => edit(null)} />
      </div>
      {keys.view((d) => (d.keys.length === 0 ? <Empty icon="key" title={t('keys.none')} text={d.required ? t('keys.none_required') : t('keys.none_text')} /> : <div>{d.keys.map((k) => <Row key={k.name} k={k} />)}</div>), 2)}
    </section>
  );
}
