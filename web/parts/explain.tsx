// parts/explain.tsx - "what would happen to X now": a dry run with the reasons; nobody is asked.
import { ApiError, post } from '../api';
import { Icon } from '../icons';
import { providerName } from '../standing';
import { languageNow, number, span, t, word } from '../text';
import { Button, Field, Input, Prose, Select } from '../ui';
import { Child, Fragment, h, redraw } from '../view';
import { draft } from './route_draft';

interface Passed {
  account: string;
  why: string;
  text: string;
  verdict?: string;
  for_ms?: number;
}

interface Forecast {
  model: string;
  rule: string | null;
  mapped_model: string;
  route: { kind: 'flow' | 'account_route'; name: string } | null;
  entries: Array<{ provider: string; account: string; model: string; holds: boolean; usable: boolean; offering: number; would_serve?: string | null; passed: Passed[]; passed_count: number }>;
  target: { account: string; provider: string; model: string; reason: string; text: string } | null;
  passed?: Passed[];
  passed_count?: number;
  explanation: string[];
}

const PROTOCOLS = ['anthropic', 'openai-chat', 'openai-responses', 'gemini'] as const;

const asked = { model: '', protocol: 'anthropic', session: '', images: false, tools: false, thinking: false, context: '' };
let told: Forecast | null = null;
let fault = '';
let busy = false;

async function ask(): Promise<void> {
  if (!asked.model.trim() || busy) return;
  busy = true;
  fault = '';
  redraw();
  try {
    told = await post<Forecast>('api/routing/explain', {
      model: asked.model.trim(),
      protocol: asked.protocol,
      ...(asked.session.trim() ? { session: asked.session.trim() } : {}),
      images: asked.images,
      tools: asked.tools,
      thinking: asked.thinking,
      ...(Number(asked.context) > 0 ? { context_tokens: Number(asked.context) } : {}),
    });
  } catch (error) {
    told = null;
    const e = error as ApiError;
    fault = e.absent ? t('state.absent') : e.status === 0 ? t('state.offline') : e.message;
  }
  busy = false;
  redraw();
}

function PassedList({ list, count }: { list: Passed[]; count: number }): Child {
  if (list.length === 0) return null;
  return (
    <ul class="passed-list small">
      {list.map((p) => (
        <li key={p.account}>
          <span>{p.account}</span>{' '}
          <span class="faint">
            {word('skip', p.why)}
            {p.verdict && ` (${word('verdict', p.verdict)})`}
            {p.for_ms ? ` · ${t('until.in', { time: span(p.for_ms) })}` : ''}
          </span>
        </li>
      ))}
      {count > list.length && <li class="faint">{t('trace.more', { n: count - list.length })}</li>}
    </ul>
  );
}

function Answer({ f }: { f: Forecast }): Child {
  const first = f.entries.findIndex((e) => e.holds && !!e.would_serve);
  return (
    <div class="stack" role="status">
      <div class="path">
        <code>{f.model}</code>
        {f.mapped_model !== f.model && (
          <>
            <Icon name="right" />
            <span class="stack tight">
              <code>{f.mapped_model}</code>
              {f.rule && <span class="tiny faint">{t('explain.rule', { rule: f.rule })}</span>}
            </span>
          </>
        )}
        {f.route && (
          <>
            <Icon name="right" />
            <span class="chip accent">{f.route.kind === 'flow' ? t('explain.flow', { name: f.route.name }) : t('explain.route', { name: f.route.name })}</span>
          </>
        )}
        <Icon name="right" />
        {f.target ? (
          <span class="chip ok">
            {f.target.account} · {f.target.model}
          </span>
        ) : (
          <span class="chip error">{t('explain.nobody')}</span>
        )}
      </div>
      {f.target && (
        <p class="dim">
          {word('reason', f.target.reason)} · {providerName(f.target.provider)}
        </p>
      )}
      {f.entries.length > 0 && (
        <ol class="stack tight">
          {f.entries.map((e, i) => {
            const serves = i === first;
            return (
            <li class="row wrap small" key={i}>
              <span class={`mark ${serves ? 'ok' : ''}`}>{i + 1}</span>
              <span>
                {e.account && e.account !== 'any' ? e.account : e.provider && e.provider !== 'any' ? providerName(e.provider) : t('route.any_account')} · <code>{e.model}</code>
              </span>
              <span class={serves ? 'text-ok' : 'faint'}>{!e.holds ? t('explain.not_for') : serves && e.would_serve ? t('explain.serves', { name: e.would_serve }) : e.usable || e.would_serve ? t('explain.behind') : e.offering === 0 ? t('explain.offers_none') : t('explain.unusable')}</span>
              <PassedList list={e.passed} count={e.passed_count} />
            </li>
            );
          })}
        </ol>
      )}
      {f.entries.length === 0 && <PassedList list={f.passed ?? []} count={f.passed_count ?? 0} />}
      {languageNow() === 'en' && f.explanation.length > 0 && (
        <details class="more">
          <summary>{t('explain.sentences', { n: f.explanation.length })}</summary>
          <ol class="explain small">
            {f.explanation.map((line, i) => (
              <li key={i}>
                <Prose text={line} />
              </li>
            ))}
          </ol>
        </details>
      )}
    </div>
  );
}

export function ExplainCard(): Child {
  const flag = (name: 'images' | 'tools' | 'thinking'): Child => (
    <label class="row small nowrap" key={name}>
      <input type="checkbox" checked={asked[name]} onChange={(e: Event) => ((asked[name] = (e.target as HTMLInputElement).checked), redraw())} />
      {t(`when.${name}`)}
    </label>
  );
  return (
    <section class="card" aria-labelledby="explain-title">
      <div class="head">
        <div class="grow">
          <h2 id="explain-title">{t('explain.title')}</h2>
          <p class="small dim">{t('explain.text')}</p>
        </div>
      </div>
      <div class="body stack">
        <div class="fields ask">
          <Field id="explain-model" label={t('log.model')}>
            <Input id="explain-model" mono list="known-targets" placeholder="claude-sonnet-4-5" value={asked.model} onInput={(v) => ((asked.model = v), redraw())} onEnter={() => void ask()} />
          </Field>
          <Field id="explain-protocol" label={t('explain.protocol')}>
            <Select id="explain-protocol" value={asked.protocol} options={PROTOCOLS.map((p) => [p, word('protocol', p)] as const)} onChange={(v) => ((asked.protocol = v), redraw())} />
          </Field>
          <Field id="explain-session" label={t('trace.session')}>
            <Input id="explain-session" mono placeholder={t('explain.session_none')} value={asked.session} onInput={(v) => ((asked.session = v), redraw())} onEnter={() => void ask()} />
          </Field>
          <Field id="explain-context" label={t('explain.context')}>
            <Input id="explain-context" type="number" min={0} placeholder={number(0)} value={asked.context} onInput={(v) => ((asked.context = v), redraw())} onEnter={() => void ask()} />
          </Field>
        </div>
        <div class="row wrap">
          {flag('images')}
          {flag('tools')}
          {flag('thinking')}
          <span class="grow" />
          <Button label={t('explain.do')} kind="primary" busy={busy} disabled={!asked.model.trim()} onClick={() => void ask()} />
        </div>
        {draft.changed && <p class="small faint">{t('explain.saved_only')}</p>}
        {fault && (
          <p class="wrong" role="alert">
            {fault}
          </p>
        )}
        {told && <Answer f={told} />}
      </div>
    </section>
  );
}
