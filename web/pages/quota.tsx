// pages/quota.tsx - the home page: every account with its state, what is left of its quota, and what can be done with it.
import { openAccount } from '../parts/account';
import { accountActions, isFixed, refreshAll } from '../parts/actions';
import { openAddAccount } from '../parts/add';
import { Guide, guideWanted } from '../parts/guide';
import { Live } from '../parts/figures';
import { QuotaBar, isLocked } from '../parts/quota_bar';
import { Icon } from '../icons';
import { live, loadAccounts, loadScheduling } from '../live';
import { Page, setShortcut } from '../shell';
import { Kind, levelKind, providerName, standing } from '../standing';
import { compact, number, t } from '../text';
import { isCompact, remember } from '../theme';
import { Account } from '../types';
import { Button, Empty, Failure, Input, Loading, Rows, Segmented, openMenu } from '../ui';
import { Child, Fragment, h, redraw } from '../view';

type Shape = 'cards' | 'list';
type Filter = 'all' | Kind;

let shape = (remember.read('accounts') ?? '') as Shape | '';
let filter: Filter = 'all';
let wanted = '';
const rows = new Rows();

const shapeNow = (): Shape => shape || ((live.accounts?.length ?? 0) > 40 ? 'list' : 'cards');

function kindOf(a: Account): Kind {
  return standing(a).kind;
}

function chosen(): Account[] {
  const text = wanted.trim().toLowerCase();
  return (live.accounts ?? []).filter(
    (a) => (filter === 'all' || kindOf(a) === filter) && (!text || `${a.label} ${a.provider} ${a.tier}`.toLowerCase().includes(text)),
  );
}

// --- one account --------------------------------------------------------------------------------------------------------

function Tier({ tier }: { tier: string }): Child {
  return tier ? <span class={`chip ${tier === 'ULTRA' ? 'accent' : ''}`}>{tier}</span> : null;
}

function More({ a }: { a: Account }): Child {
  return <Button label={t('do.more', { label: a.label })} icon="more" iconOnly kind="quiet small" haspopup="menu" onClick={(e) => openMenu(e, a.label, [{ label: t('do.details'), icon: 'info', run: () => openAccount(a.id) }, ...accountActions(a)])} />;
}

const BARS_MAX = 3;

function Card({ a, height }: { a: Account; height: number }): Child {
  const s = standing(a);
  // the scarcest first
  const shown = [...a.quota].sort((x, y) => (x.remaining_permille ?? 1001) - (y.remaining_permille ?? 1001)).slice(0, BARS_MAX);
  return (
    <article class={`card account ${s.kind}`} key={a.id} aria-label={a.label} style={{ height: `${height}px` }}>
      <div class="row">
        <i class={`dot ${s.kind} ${a.in_flight > 0 ? 'pulse' : ''}`} />
        <button type="button" class="linklike grow clip" title={a.label} onClick={() => openAccount(a.id)}>
          {a.label}
        </button>
        {isFixed(a) && (
          <span class="chip accent">
            <Icon name="pin" />
            {t('stand.fixed')}
          </span>
        )}
        <Tier tier={a.tier} />
        <More a={a} />
      </div>
      <div class="row small state">
        <span class={`clip text-${s.kind}`} title={s.why}>
          {s.word}
          {s.why && <span class="dim"> · {s.why}</span>}
        </span>
      </div>
      <div class="bars" hidden={height < 100}>
        {shown.map((q) => (
          <QuotaBar key={q.group} a={a} q={q} />
        ))}
        {shown.length === 0 && <span class="small faint none">{t('quota.none')}</span>}
      </div>
      <div class="row tiny faint foot">
        <span>{providerName(a.provider)}</span>
        <span>{t('account.sessions', { n: a.sessions })}</span>
        {a.today ? <span>{t('account.today', { n: compact(a.today.tokens_in + a.today.tokens_out) })}</span> : <span>{t('account.served', { n: compact(a.served) })}</span>}
        {a.failed > 0 && <span>{t('account.failed', { n: compact(a.failed) })}</span>}
        <span class="grow" />
        {a.quota_count > shown.length && <span>{t('account.more_quota', { n: a.quota_count - shown.length })}</span>}
      </div>
    </article>
  );
}

function Line({ a }: { a: Account }): Child {
  const s = standing(a);
  const worst = [...a.quota].filter((q) => q.remaining_permille !== null).sort((x, y) => x.remaining_permille! - y.remaining_permille!)[0];
  return (
    <div class="line" role="row" key={a.id}>
      <span role="cell" class="row c-name">
        <i class={`dot ${s.kind} ${a.in_flight > 0 ? 'pulse' : ''}`} />
        <button type="button" class="linklike clip" onClick={() => openAccount(a.id)}>
          {a.label}
        </button>
        {isFixed(a) && <Icon name="pin" />}
      </span>
      <span role="cell" class="c-provider faint clip">{providerName(a.provider)}</span>
      <span role="cell" class="c-tier">
        <Tier tier={a.tier} />
      </span>
      <span role="cell" class={`c-state clip text-${s.kind}`} title={s.why}>
        {s.word}
        {s.why && <span class="dim"> · {s.why}</span>}
      </span>
      <span role="cell" class="c-quota">
        {worst ? (
          <>
            <span class={`bar ${levelKind(worst.remaining_permille, isLocked(a, worst.group))}`} title={worst.group}>
              <i style={{ width: `${worst.remaining_permille! / 10}%` }} />
            </span>
            <span class="nowrap small">{Math.round(worst.remaining_permille! / 10)}%</span>
          </>
        ) : (
          <span class="small faint">{t('quota.unknown')}</span>
        )}
      </span>
      <span role="cell" class="c-num">{number(a.sessions)}</span>
      <span role="cell" class="c-num">{compact(a.served)}</span>
      <span role="cell" class="c-act">
        <More a={a} />
      </span>
    </div>
  );
}

// --- the page -------------------------------------------------------------------------------------------------------------

const KINDS: readonly Kind[] = ['ok', 'locked', 'reserve', 'off', 'error'];

function Bar({ all }: { all: Account[] }): Child {
  const counts = new Map<Kind, number>();
  for (const a of all) counts.set(kindOf(a), (counts.get(kindOf(a)) ?? 0) + 1);
  const item = (value: Filter, text: string, n: number): Child => (
    <button key={value} type="button" class="tally" aria-pressed={String(filter === value)} onClick={() => ((filter = filter === value ? 'all' : value), redraw())}>
      {value !== 'all' && <i class={`dot ${value}`} />}
      <span>{text}</span>
      <b>{number(n)}</b>
    </button>
  );
  return (
    <div class="toolbar">
      <div class="row wrap tallies" role="group" aria-label={t('accounts.filter')}>
        {item('all', t('accounts.all'), all.length)}
        {KINDS.filter((k) => counts.get(k)).map((k) => item(k, t(`kind.${k}`), counts.get(k)!))}
      </div>
      <span class="grow" />
      {all.length > 6 && (
        <div class="search">
          <Icon name="search" />
          <Input id="account-search" label={t('accounts.search')} placeholder={t('accounts.search')} value={wanted} onInput={(v) => ((wanted = v), redraw())} />
        </div>
      )}
      <Segmented
        label={t('accounts.shape')}
        value={shapeNow()}
        choices={[
          { value: 'cards', label: t('accounts.cards'), icon: 'grid', iconOnly: true },
          { value: 'list', label: t('accounts.list'), icon: 'list', iconOnly: true },
        ]}
        onChange={(v) => {
          shape = v;
          remember.write('accounts', v);
          redraw();
        }}
      />
      <Button label={t('do.refresh_all')} icon="refresh" iconOnly onClick={() => void refreshAll()} />
      <Button label={t('add.title')} icon="plus" kind="primary" onClick={() => openAddAccount()} />
    </div>
  );
}

// Rows of cards are as high as what stands in them, at most three bars.
function Cards({ list }: { list: Account[] }): Child {
  const gap = 12;
  const columns = Math.max(1, Math.floor((rows.width + gap) / (300 + gap)));
  const plain = isCompact() ? 78 : 84;
  const bar = isCompact() ? 43 : 45;
  const heights: number[] = [];
  for (let i = 0; i < list.length; i += columns) {
    const bars = Math.min(BARS_MAX, Math.max(...list.slice(i, i + columns).map((a) => a.quota.length)));
    heights.push(plain + (bars > 0 ? 14 + bars * bar : 0));
  }
  const w = rows.among(heights, gap);
  return (
    <div class="cards" ref={rows.list} style={{ 'padding-top': `${w.before}px`, 'padding-bottom': `${w.after}px`, 'grid-template-columns': `repeat(${columns}, minmax(0, 1fr))` }}>
      {list.slice(w.from * columns, w.to * columns).map((a, i) => (
        <Card key={a.id} a={a} height={heights[w.from + Math.floor(i / columns)]!} />
      ))}
    </div>
  );
}

function List({ list }: { list: Account[] }): Child {
  const height = isCompact() ? 30 : 38;
  const w = rows.window(list.length, height);
  return (
    <div class="card lines" ref={rows.list} role="table" aria-label={t('nav.quota')} aria-rowcount={list.length}>
      <div class="line head" role="row">
        <span role="columnheader" class="c-name">{t('col.account')}</span>
        <span role="columnheader" class="c-provider">{t('col.provider')}</span>
        <span role="columnheader" class="c-tier">{t('col.tier')}</span>
        <span role="columnheader" class="c-state">{t('col.state')}</span>
        <span role="columnheader" class="c-quota">{t('col.quota')}</span>
        <span role="columnheader" class="c-num">{t('col.sessions')}</span>
        <span role="columnheader" class="c-num">{t('col.served')}</span>
        <span role="columnheader" class="c-act">
          <span class="sr">{t('col.actions')}</span>
        </span>
      </div>
      <div style={{ height: `${w.before}px` }} role="presentation" />
      {list.slice(w.from, w.to).map((a) => (
        <Line key={a.id} a={a} />
      ))}
      <div style={{ height: `${w.after}px` }} role="presentation" />
    </div>
  );
}

function view(): Child {
  if (!live.accounts) return live.error ? <Failure error={live.error} retry={() => void loadAccounts()} /> : <Loading rows={3} height={150} />;
  const all = live.accounts.filter((a) => a.provider !== 'simulator' || a.declared_in !== 'database' || a.id > 0);
  const list = chosen().filter((a) => all.includes(a));
  return (
    <div class="scroller" ref={rows.scroller} onScroll={rows.onScroll} tabindex="-1">
      {guideWanted(all) && <Guide accounts={all} />}
      {all.length > 0 && <Bar all={all} />}
      {all.length > 0 && list.length === 0 && (
        <Empty icon="filter" title={t('accounts.no_match')}>
          <Button label={t('do.clear_filter')} onClick={() => ((filter = 'all'), (wanted = ''), redraw())} />
        </Empty>
      )}
      {list.length > 0 && (shapeNow() === 'cards' ? <Cards list={list} /> : <List list={list} />)}
    </div>
  );
}

let ends: Array<() => void> = [];

export const page: Page = {
  view,
  fill: true,
  tools: Live,
  enter: () => {
    void loadScheduling();
    ends = [
      setShortcut('a', 'add.title', () => openAddAccount()),
      setShortcut('/', 'accounts.search', () => document.getElementById('account-search')?.focus()),
    ];
  },
  leave: () => ends.forEach((end) => end()),
};

