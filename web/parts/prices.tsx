// parts/prices.tsx - what tokens cost: the prices that are built in, and the user's, which come first.
import { ApiError, get, part, put, remove } from '../api';
import { live } from '../live';
import { providerName } from '../standing';
import { t } from '../text';
import { Button, Empty, Field, Input, Loader, Select, confirmDo, openDialog, say } from '../ui';
import { Child, Fragment, h, redraw } from '../view';

const SUMS = ['input', 'output', 'cache_read', 'cache_write'] as const;

type Sums = Partial<Record<(typeof SUMS)[number], number>>;

interface Price extends Sums {
  model: string;
  provider?: string;
  declared_in: 'file' | 'program';
}

interface Prices {
  prices: Price[];
}

const prices = new Loader<Prices>(() => get<Prices>('api/prices'));

function took(now: Prices): void {
  prices.data = now;
  redraw();
}

// --- one of them --------------------------------------------------------------------------------------------------------

function edit(price: Price | null): void {
  let model = price?.model ?? '';
  let provider = price?.provider ?? '';
  const text: Record<string, string> = {};
  for (const name of SUMS) text[name] = price?.[name] === undefined ? '' : String(price[name]);
  let wrong: Record<string, string> = {};
  let busy = false;
  const save = async (close: () => void): Promise<void> => {
    wrong = {};
    if (!model.trim()) wrong.model = t('prices.wrong_model');
    const body: Record<string, unknown> = provider ? { provider } : {};
    for (const name of SUMS) {
      const said = text[name]!.trim().replace(',', '.');
      const needed = name === 'input' || name === 'output';
      if (said ? !/^\d+(\.\d{1,6})?$/.test(said) : needed) wrong[name] = t('prices.wrong');
      else if (said) body[name] = Number(said);
    }
    if (Object.keys(wrong).length > 0) return redraw();
    busy = true;
    redraw();
    try {
      took(await put<Prices>(`api/prices/${part(model.trim())}`, body));
      say(t('did.saved'));
      close();
    } catch (error) {
      const e = error as ApiError;
      wrong[e.path in text ? e.path : 'model'] = e.status === 0 ? t('state.offline') : e.message;
    }
    busy = false;
    redraw();
  };
  const providers = new Set([...(provider ? [provider] : []), ...(live.accounts ?? []).map((a) => a.provider)]);
  openDialog({
    title: price ? t('prices.of', { model: price.model }) : t('prices.add'),
    body: (d) => (
      <div class="fields">
        <Field id="price-model" label={t('usage.by_model')} wrong={wrong.model} hint={t('prices.model_hint')}>
          <Input id="price-model" mono value={model} disabled={!!price} wrong={!!wrong.model} onInput={(v) => ((model = v), redraw())} onEnter={() => void save(d.close)} />
        </Field>
        <Field id="price-provider" label={t('col.provider')}>
          <Select id="price-provider" value={provider} options={[['', t('prices.any')], ...[...providers].sort().map((p) => [p, providerName(p)] as const)]} onChange={(v) => ((provider = v), redraw())} />
        </Field>
        {SUMS.map((name) => (
          <Field id={`price-${name}`} key={name} label={t(`prices.${name}`)} wrong={wrong[name]} hint={name.startsWith('cache') ? t('prices.as_input') : undefined}>
            <Input id={`price-${name}`} value={text[name]!} wrong={!!wrong[name]} onInput={(v) => ((text[name] = v), redraw())} onEnter={() => void save(d.close)} />
          </Field>
        ))}
      </div>
    ),
    foot: (d) => (
      <>
        <Button label={t('do.cancel')} onClick={d.close} />
        <Button label={t('do.save')} kind="primary" busy={busy} onClick={() => void save(d.close)} />
      </>
    ),
  });
}

function drop(price: Price): void {
  confirmDo({
    title: t('prices.remove_title', { model: price.model }),
    text: t('prices.remove_text'),
    label: t('do.remove'),
    danger: true,
    run: async () => took(await remove<Prices>(`api/prices/${part(price.model)}`)),
  });
}

// --- all of them --------------------------------------------------------------------------------------------------------

const narrow = (name: string): string => (name.startsWith('cache') ? 'num hide-narrow' : 'num');

function Row({ p }: { p: Price }): Child {
  const own = p.declared_in === 'file';
  return (
    <tr key={`${p.declared_in}\n${p.provider ?? ''}\n${p.model}`}>
      <td>
        <div class="row wrap">
          <code class="nowrap">{p.model}</code>
          {p.provider && <span class="small faint">{providerName(p.provider)}</span>}
          {own && <span class="chip">{t('prices.own')}</span>}
        </div>
      </td>
      {SUMS.map((name) => (
        <td class={narrow(name)} key={name}>
          {p[name] === undefined ? '–' : `$${p[name]}`}
        </td>
      ))}
      <td class="num">
        <Button label={t('prices.change', { model: p.model })} icon="edit" iconOnly kind="quiet small" onClick={() => edit(p)} />
        {own && <Button label={t('prices.remove', { model: p.model })} icon="trash" iconOnly kind="quiet small" onClick={() => drop(p)} />}
      </td>
    </tr>
  );
}

function Table({ list }: { list: Price[] }): Child {
  if (list.length === 0) return <Empty icon="chart" title={t('prices.none')} />;
  return (
    <div class="scroll-x">
      <table class="table">
        <thead>
          <tr>
            <th>{t('usage.by_model')}</th>
            {SUMS.map((name) => (
              <th class={narrow(name)} key={name}>
                {t(`prices.${name}`)}
              </th>
            ))}
            <th>
              <span class="sr">{t('prices.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((p) => (
            <Row p={p} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function openPrices(): void {
  void prices.load();
  openDialog({
    title: t('prices.title'),
    kind: 'box wide',
    body: () => (
      <div class="stack">
        <p class="small dim">{t('prices.text')}</p>
        {prices.view((d) => (
          <Table list={d.prices} />
        ))}
      </div>
    ),
    foot: (d) => (
      <>
        <Button label={t('prices.add')} icon="plus" disabled={!prices.data} onClick={() => edit(null)} />
        <Button label={t('do.close')} kind="primary" onClick={d.close} />
      </>
    ),
  });
}
