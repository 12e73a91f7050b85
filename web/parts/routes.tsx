// parts/routes.tsx - the editors of /routing: model mapping, flows, account routes.
import { Icon } from '../icons';
import { live } from '../live';
import { providerName } from '../standing';
import { said, t } from '../text';
import { Button, Failure, Field, Input, Loading, MenuItem, Segmented, Select, Switch, openMenu } from '../ui';
import { Child, Fragment, h, redraw } from '../view';
import { AccountRoute, Entry, Flow, Preset, Routing, When, draft, newKey } from './route_draft';
import { Sortable } from './sortable';

const PROVIDERS = ['antigravity', 'anthropic', 'openai', 'gemini', 'codex', 'copilot', 'compatible'];
const unfolded = new Set<number>(); // entries whose conditions are open

const fault = (place: string): string | undefined => draft.faults.get(place);

function moved<T>(list: T[], from: number, to: number): void {
  const [one] = list.splice(from, 1);
  list.splice(to, 0, one!);
}

function Wrong({ place }: { place: string }): Child {
  const text = fault(place);
  return text ? (
    <span class="wrong" role="alert" id={`${place}-wrong`}>
      {text}
    </span>
  ) : null;
}

interface CellProps {
  place: string;
  label: string;
  value: string;
  list?: string;
  placeholder?: string;
  change: (r: Routing, value: string) => void;
}

// One field of a row: its fault stands below it.
function Cell(p: CellProps): Child {
  return (
    <div class="cell">
      <Input id={p.place} label={p.label} mono value={p.value} list={p.list} placeholder={p.placeholder ?? p.label} wrong={!!fault(p.place)} onInput={(v) => draft.edit((r) => p.change(r, v), p.place)} />
      <Wrong place={p.place} />
    </div>
  );
}

// Lists that fields offer while somebody types.
export function Suggestions({ models }: { models: string[] }): Child {
  return (
    <>
      <datalist id="known-models">
        {models.map((m) => (
          <option key={m} value={m} />
        ))}
      </datalist>
      <datalist id="known-targets">
        {[...(draft.now?.flows ?? []).map((f) => `route:${f.name}`), ...models].map((m) => (
          <option key={m} value={m} />
        ))}
      </datalist>
    </>
  );
}

// --- mapping ------------------------------------------------------------------------------------------------------------

function applyPreset(p: Preset): void {
  draft.edit((r) => {
    for (const [from, to] of Object.entries(p.mapping)) {
      const known = r.mapping.find((m) => m.from === from);
      if (known) known.to = to;
      else r.mapping.push({ k: newKey(), from, to });
    }
  });
}

export function MappingCard({ r }: { r: Routing }): Child {
  const presets: MenuItem[] = draft.presets.map((p) => ({ label: said(p.title), run: () => applyPreset(p) }));
  const add = (): void => draft.edit((n) => n.mapping.push({ k: newKey(), from: '', to: '' }));
  return (
    <section class="card" aria-labelledby="mapping-title">
      <div class="head">
        <div class="grow">
          <h2 id="mapping-title">{t('map.title')}</h2>
          <p class="small dim">{t('map.text')}</p>
        </div>
        {presets.length > 0 && <Button label={t('map.presets')} icon="down" kind="small" haspopup="menu" onClick={(e) => openMenu(e, t('map.presets'), presets)} />}
        <Button label={t('map.add')} icon="plus" kind="small" onClick={add} />
      </div>
      {r.mapping.length > 0 && (
        <div class="body">
          <Sortable
            id="mapping"
            label={t('map.title')}
            items={r.mapping}
            keyOf={(m) => m.k}
            nameOf={(m) => m.from || t('map.from')}
            onMove={(from, to) => draft.edit((n) => moved(n.mapping, from, to), 'move-mapping')}
            view={(m, i, handle) => (
              <div class="entry">
                {handle}
                <Cell place={`mapping.${m.k}.from`} label={t('map.from')} value={m.from} list="known-models" placeholder="gpt-4o*" change={(n, v) => (n.mapping[i]!.from = v)} />
                <span class="arrow faint" aria-hidden="true">
                  →
                </span>
                <Cell place={`mapping.${m.k}.to`} label={t('map.to')} value={m.to} list="known-targets" placeholder="gemini-3-flash" change={(n, v) => (n.mapping[i]!.to = v)} />
                <Button label={t('route.drop', { name: m.from || t('map.from') })} icon="close" iconOnly kind="quiet small" onClick={() => draft.edit((n) => n.mapping.splice(i, 1))} />
              </div>
            )}
          />
        </div>
      )}
    </section>
  );
}

// --- entries --------------------------------------------------------------------------------------------------------------

const accountsOf = (provider: string | undefined): string[] => (live.accounts ?? []).filter((a) => !provider || a.provider === provider).map((a) => a.label);

function accountOptions(e: Entry, any: boolean): Array<readonly [string, string]> {
  const labels = accountsOf(any ? e.provider : undefined);
  const now = e.account && e.account !== 'any' ? e.account : '';
  return [...(any ? [['', t('route.any_account')] as const] : [['', t('route.choose_account')] as const]), ...(now && !labels.includes(now) ? [[now, t('route.gone', { name: now })] as const] : []), ...labels.map((l) => [l, l] as const)];
}

const TRI: ReadonlyArray<readonly ['images' | 'tools' | 'thinking', 'when.images' | 'when.tools' | 'when.thinking']> = [
  ['images', 'when.images'],
  ['tools', 'when.tools'],
  ['thinking', 'when.thinking'],
];

function Conditions({ e, change }: { e: Entry; change: (apply: (w: When) => void, group?: string) => void }): Child {
  const w = e.when ?? {};
  return (
    <div class="when">
      {TRI.map(([name, text]) => (
        <div class="field" key={name}>
          <label for={`entry.${e.k}.${name}`}>{t(text)}</label>
          <Select
            id={`entry.${e.k}.${name}`}
            value={w[name] === undefined ? '' : String(w[name])}
            options={[['', t('when.either')], ['true', t('when.with')], ['false', t('when.without')]]}
            onChange={(v) =>
              change((n) => {
                if (v === '') delete n[name];
                else n[name] = v === 'true';
              })
            }
          />
        </div>
      ))}
      <Field id={`entry.${e.k}.when`} label={t('when.tokens')} wrong={fault(`entry.${e.k}.when`)}>
        <Input
          id={`entry.${e.k}.when`}
          type="number"
          min={0}
          value={w.context_tokens_max ? String(w.context_tokens_max) : ''}
          placeholder={t('when.no_limit')}
          onInput={(v) =>
            change((n) => {
              if (Number(v) > 0) n.context_tokens_max = Number(v);
              else delete n.context_tokens_max;
            }, `when-${e.k}`)
          }
        />
      </Field>
      <Field id={`entry.${e.k}.hours`} label={t('when.hours')}>
        <Input
          id={`entry.${e.k}.hours`}
          value={w.hours ?? ''}
          placeholder="22:00-06:30"
          onInput={(v) =>
            change((n) => {
              if (v.trim()) n.hours = v.trim();
              else delete n.hours;
            }, `hours-${e.k}`)
          }
        />
      </Field>
    </div>
  );
}

function whenWords(w: When | undefined): string {
  if (!w) return '';
  const said = TRI.filter(([name]) => w[name] !== undefined).map(([name, text]) => `${w[name] ? t('when.with') : t('when.without')} ${t(text).toLowerCase()}`);
  if (w.context_tokens_max) said.push(`≤ ${w.context_tokens_max}`);
  if (w.hours) said.push(w.hours);
  return said.join(', ');
}

function FlowEntry({ f, e, i, handle }: { f: Flow; e: Entry; i: number; handle: Child }): Child {
  const of = (r: Routing): Entry => r.flows.find((one) => one.k === f.k)!.entries[i]!;
  const open = unfolded.has(e.k);
  const others = (draft.now?.flows ?? []).filter((one) => one.k !== f.k).map((one) => one.name);
  return (
    <div class="stack tight">
      <div class="entry">
        {handle}
        <span class="nth faint" aria-hidden="true">
          {i + 1}
        </span>
        {e.flow !== undefined ? (
          <>
            <span class="dim nowrap">{t('route.as_flow')}</span>
            <div class="cell">
              <Select id={`entry.${e.k}.flow`} label={t('route.flow')} value={e.flow} options={[['', t('route.choose_flow')], ...others.map((o) => [o, o] as const)]} onChange={(v) => draft.edit((r) => (of(r).flow = v))} />
              <Wrong place={`entry.${e.k}.flow`} />
            </div>
          </>
        ) : (
          <>
            <div class="cell narrow">
              <Select
                id={`entry.${e.k}.provider`}
                label={t('col.provider')}
                value={e.provider ?? ''}
                options={[['', t('route.any_provider')], ...PROVIDERS.map((p) => [p, providerName(p)] as const)]}
                onChange={(v) =>
                  draft.edit((r) => {
                    const n = of(r);
                    n.provider = v;
                    if (n.account && !accountsOf(v).includes(n.account)) n.account = '';
                  })
                }
              />
              <Wrong place={`entry.${e.k}.provider`} />
            </div>
            <div class="cell">
              <Select id={`entry.${e.k}.account`} label={t('col.account')} value={e.account === 'any' ? '' : e.account ?? ''} options={accountOptions(e, true)} onChange={(v) => draft.edit((r) => (of(r).account = v))} />
              <Wrong place={`entry.${e.k}.account`} />
            </div>
            <Cell place={`entry.${e.k}.model`} label={t('log.model')} value={e.model ?? ''} list="known-models" change={(r, v) => (of(r).model = v)} />
          </>
        )}
        <Button
          label={t('when.title')}
          icon="filter"
          iconOnly
          kind="quiet small"
          pressed={open || !!whenWords(e.when)}
          onClick={() => {
            if (open) unfolded.delete(e.k);
            else unfolded.add(e.k);
            redraw();
          }}
        />
        <Button label={t('route.drop', { name: e.model || e.flow || String(i + 1) })} icon="close" iconOnly kind="quiet small" onClick={() => draft.edit((r) => r.flows.find((one) => one.k === f.k)!.entries.splice(i, 1))} />
      </div>
      {!open && whenWords(e.when) && <span class="small faint under">{t('when.only', { what: whenWords(e.when) })}</span>}
      {open && <Conditions e={e} change={(apply, group) => draft.edit((r) => apply((of(r).when ??= {})), group)} />}
    </div>
  );
}

// --- flows ----------------------------------------------------------------------------------------------------------------

function FlowBlock({ f }: { f: Flow }): Child {
  const of = (r: Routing): Flow => r.flows.find((one) => one.k === f.k)!;
  return (
    <div class={`route ${fault(`flow.${f.k}`) ? 'bad' : ''}`} key={f.k}>
      <div class="row wrap">
        <div class="cell name">
          <Input id={`flow.${f.k}.name`} label={t('flow.name')} placeholder={t('flow.name')} value={f.name} wrong={!!fault(`flow.${f.k}.name`)} onInput={(v) => draft.edit((r) => (of(r).name = v), `flow-${f.k}`)} />
          <Wrong place={`flow.${f.k}.name`} />
        </div>
        {f.name && (
          <span class="small faint">
            {t('flow.as')} <code>route:{f.name}</code>
          </span>
        )}
        <span class="grow" />
        <Button label={t('flow.add_entry')} icon="plus" kind="small quiet" onClick={() => draft.edit((r) => of(r).entries.push({ k: newKey(), model: '' }))} />
        <Button label={t('flow.add_flow')} icon="route" kind="small quiet" disabled={(draft.now?.flows.length ?? 0) < 2} onClick={() => draft.edit((r) => of(r).entries.push({ k: newKey(), flow: '' }))} />
        <Button label={t('route.drop', { name: f.name || t('flow.name') })} icon="trash" iconOnly kind="quiet small" onClick={() => draft.edit((r) => (r.flows = r.flows.filter((one) => one.k !== f.k)))} />
      </div>
      <Wrong place={`flow.${f.k}`} />
      <Sortable
        id={`flow-${f.k}`}
        label={t('flow.entries', { name: f.name })}
        items={f.entries}
        keyOf={(e) => e.k}
        nameOf={(e) => e.model || e.flow || t('flow.entry')}
        onMove={(from, to) => draft.edit((r) => moved(of(r).entries, from, to), `move-${f.k}`)}
        view={(e, i, handle) => <FlowEntry f={f} e={e} i={i} handle={handle} />}
      />
    </div>
  );
}

export function FlowsCard({ r }: { r: Routing }): Child {
  return (
    <section class="card" aria-labelledby="flows-title">
      <div class="head">
        <div class="grow">
          <h2 id="flows-title">{t('flow.title')}</h2>
          <p class="small dim">{t('flow.text')}</p>
        </div>
        <Button
          label={t('flow.add')}
          icon="plus"
          kind="small"
          onClick={() => {
            const k = newKey();
            draft.edit((n) => n.flows.push({ k, name: '', entries: [{ k: newKey(), model: '' }] }));
            requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(`flow.${k}.name`)?.focus()));
          }}
        />
      </div>
      {r.flows.length > 0 && (
        <div class="body stack">
          {r.flows.map((f) => (
            <FlowBlock key={f.k} f={f} />
          ))}
        </div>
      )}
    </section>
  );
}

// --- account routes -------------------------------------------------------------------------------------------------------

function RouteBlock({ a }: { a: AccountRoute }): Child {
  const of = (r: Routing): AccountRoute => r.accounts.find((one) => one.k === a.k)!;
  return (
    <div class={`route ${fault(`route.${a.k}`) ? 'bad' : ''}`} key={a.k}>
      <div class="row wrap">
        <div class="cell name">
          <Input id={`route.${a.k}.model`} label={t('aroute.model')} placeholder={t('aroute.model')} mono value={a.model} list="known-models" wrong={!!fault(`route.${a.k}.model`)} onInput={(v) => draft.edit((r) => (of(r).model = v), `route-${a.k}`)} />
          <Wrong place={`route.${a.k}.model`} />
        </div>
        <Segmented
          label={t('aroute.order')}
          value={a.order}
          choices={[
            { value: 'listed', label: t('aroute.listed') },
            { value: 'rotate', label: t('aroute.rotate') },
          ]}
          onChange={(v) => draft.edit((r) => (of(r).order = v))}
        />
        <label class="row small nowrap" title={t('aroute.smart_text')}>
          <Switch on={a.smart_switch} label={t('aroute.smart')} onChange={(on) => draft.edit((r) => (of(r).smart_switch = on))} />
          {t('aroute.smart')}
        </label>
        <span class="grow" />
        <Button label={t('aroute.add_account')} icon="plus" kind="small quiet" onClick={() => draft.edit((r) => of(r).entries.push({ k: newKey(), account: '' }))} />
        <Button label={t('route.drop', { name: a.model || t('aroute.model') })} icon="trash" iconOnly kind="quiet small" onClick={() => draft.edit((r) => (r.accounts = r.accounts.filter((one) => one.k !== a.k)))} />
      </div>
      <Wrong place={`route.${a.k}`} />
      <Sortable
        id={`route-${a.k}`}
        label={t('aroute.accounts', { model: a.model })}
        items={a.entries}
        keyOf={(e) => e.k}
        nameOf={(e) => e.account || t('route.choose_account')}
        onMove={(from, to) => draft.edit((r) => moved(of(r).entries, from, to), `move-${a.k}`)}
        view={(e, i, handle) => (
          <div class="entry">
            {handle}
            <span class="nth faint" aria-hidden="true">
              {i + 1}
            </span>
            <div class="cell">
              <Select id={`entry.${e.k}.account`} label={t('col.account')} value={e.account ?? ''} options={accountOptions(e, false)} onChange={(v) => draft.edit((r) => (of(r).entries[i]!.account = v))} />
              <Wrong place={`entry.${e.k}.account`} />
            </div>
            {e.model !== undefined && <Cell place={`entry.${e.k}.model`} label={t('log.model')} value={e.model} change={(r, v) => (of(r).entries[i]!.model = v)} />}
            {whenWords(e.when) && <span class="small faint">{whenWords(e.when)}</span>}
            <Button label={t('route.drop', { name: e.account || String(i + 1) })} icon="close" iconOnly kind="quiet small" onClick={() => draft.edit((r) => of(r).entries.splice(i, 1))} />
          </div>
        )}
      />
      {a.smart_switch && <p class="small faint under">{a.entries.length > 0 ? t('aroute.smart_rest') : t('aroute.smart_all')}</p>}
    </div>
  );
}

export function AccountRoutesCard({ r }: { r: Routing }): Child {
  return (
    <section class="card" aria-labelledby="aroutes-title">
      <div class="head">
        <div class="grow">
          <h2 id="aroutes-title">{t('aroute.title')}</h2>
          <p class="small dim">{t('aroute.text')}</p>
        </div>
        <Button
          label={t('aroute.add')}
          icon="plus"
          kind="small"
          onClick={() => {
            const k = newKey();
            draft.edit((n) => n.accounts.push({ k, model: '', order: 'listed', smart_switch: true, entries: [] }));
            requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(`route.${k}.model`)?.focus()));
          }}
        />
      </div>
      {r.accounts.length > 0 && (
        <div class="body stack">
          {r.accounts.map((a) => (
            <RouteBlock key={a.k} a={a} />
          ))}
        </div>
      )}
    </section>
  );
}

// --- background tasks ---------------------------------------------------------------------------------------------------

export function BackgroundCard({ r }: { r: Routing }): Child {
  const b = r.background;
  if (!b) return null;
  return (
    <section class="card" aria-labelledby="background-title">
      <div class="head">
        <div class="grow">
          <h2 id="background-title">{t('back.title')}</h2>
          <p class="small dim">{t('back.text')}</p>
        </div>
        <Switch on={b.enabled} label={t('back.title')} onChange={(on) => draft.edit((n) => (n.background!.enabled = on))} />
      </div>
      {b.enabled && (
        <div class="body">
          <div class="field narrow-card">
            <label for="background.model">{t('back.model')}</label>
            <Cell place="background.model" label={t('back.model')} value={b.model} list="known-targets" placeholder="gemini-3-flash" change={(n, v) => (n.background!.model = v)} />
          </div>
        </div>
      )}
    </section>
  );
}

// --- saving ---------------------------------------------------------------------------------------------------------------

export function SaveBar(): Child {
  if (!draft.changed && !draft.fault) return null;
  return (
    <div class="savebar" key="savebar" role="region" aria-label={t('route.unsaved')}>
      <Icon name="edit" />
      <span class="grow" role="status">
        {draft.fault ? <span class="text-error">{draft.fault}</span> : t('route.unsaved')}
      </span>
      <Button label={t('do.undo')} icon="undo" kind="small" disabled={!draft.canUndo} onClick={() => draft.undo()} />
      <Button label={t('route.discard')} kind="small" onClick={() => draft.discard()} />
      <Button label={t('do.save')} kind="small primary" busy={draft.saving} onClick={() => void draft.save()} />
    </div>
  );
}

export function Editors({ models }: { models: string[] }): Child {
  draft.ensure();
  if (!draft.now) return draft.error ? <Failure error={draft.error} retry={() => void draft.load()} /> : <Loading rows={3} height={70} />;
  return (
    <>
      <Suggestions models={models} />
      <MappingCard r={draft.now} />
      <FlowsCard r={draft.now} />
      <AccountRoutesCard r={draft.now} />
      <BackgroundCard r={draft.now} />
    </>
  );
}
