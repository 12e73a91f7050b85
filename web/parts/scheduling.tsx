// parts/scheduling.tsx - the card "Account Scheduling & Rotation": how an account is chosen.
import { change, remove } from '../api';
import { live, loadAccounts, loadScheduling } from '../live';
import { number, t } from '../text';
import { Scheduling } from '../types';
import { Button, Failure, Field, Input, Loading, Select, confirmDo, say, sayError } from '../ui';
import { Child, h, redraw } from '../view';
import { fixAccount } from './actions';

const MODES = ['CacheFirst', 'Balance', 'PerformanceFirst'] as const;

// What the user chose or typed and the gateway has not confirmed yet: a live event that draws the card anew must not take it back.
const typed: { mode?: string; max?: string; queue?: string; wrong: Record<string, string> } = { wrong: {} };

async function save(body: Partial<Scheduling>): Promise<boolean> {
  try {
    live.scheduling = await change<Scheduling>('api/scheduling', { ...body, revision: live.scheduling?.revision });
    typed.wrong = {};
    say(t('did.saved'));
    redraw();
    return true;
  } catch (error) {
    const e = error as { status: number; path: string; message: string };
    if (e.status === 409) {
      await loadScheduling();
      say(t('state.changed_meanwhile'), { bad: true });
    } else if (e.path) typed.wrong[e.path.split('.').pop()!] = e.message;
    else sayError(error);
    redraw();
    return false;
  }
}

async function choose(mode: Scheduling['mode']): Promise<void> {
  typed.mode = mode;
  redraw();
  await save({ mode });
  if (typed.mode === mode) delete typed.mode;
  redraw();
}

function Wait({ name, id, label, hint, value }: { name: 'max' | 'queue'; id: 'max_wait_seconds' | 'queue_wait_seconds'; label: string; hint: string; value: number }): Child {
  const draft = typed[name];
  const commit = async (): Promise<void> => {
    if (draft === undefined || draft === String(value)) {
      delete typed[name];
      return redraw();
    }
    if (!/^\d+$/.test(draft)) {
      typed.wrong[id] = t('wrong.number');
      return redraw();
    }
    if (await save({ [id]: Number(draft) })) delete typed[name];
    redraw();
  };
  return (
    <Field id={id} label={label} hint={hint} wrong={typed.wrong[id]}>
      <div class="row" onFocusout={() => void commit()}>
        <span class="number">
          <Input
            id={id}
            type="number"
            min={0}
            value={draft ?? String(value)}
            wrong={!!typed.wrong[id]}
            onInput={(v) => {
              typed[name] = v;
              delete typed.wrong[id];
              redraw();
            }}
            onEnter={() => void commit()}
          />
        </span>
        <span class="dim">{t('unit.seconds')}</span>
      </div>
    </Field>
  );
}

export function SchedulingCard(): Child {
  const s = live.scheduling;
  if (!s) return live.error ? <Failure error={live.error} retry={() => void loadScheduling()} /> : <Loading rows={2} height={80} />;
  const accounts = live.accounts ?? [];
  const chosen = typed.mode ?? s.mode;
  return (
    <section class="card" aria-labelledby="scheduling-title">
      <div class="head">
        <h2 id="scheduling-title">{t('sched.title')}</h2>
      </div>
      <div class="body stack loose">
        <div class="modes" role="radiogroup" aria-label={t('sched.mode')}>
          {MODES.map((mode) => (
            <label key={mode} class={`mode ${chosen === mode ? 'on' : ''}`}>
              <input type="radio" name="mode" value={mode} checked={chosen === mode} onChange={() => void choose(mode)} />
              <span class="stack tight">
                <b>{t(`mode.${mode}`)}</b>
                <span class="small dim">{t(`mode.${mode}_text`)}</span>
              </span>
            </label>
          ))}
        </div>
        <div class="fields">
          <Wait name="max" id="max_wait_seconds" label={t('sched.max_wait')} hint={t('sched.max_wait_hint')} value={s.max_wait_seconds} />
          <Wait name="queue" id="queue_wait_seconds" label={t('sched.queue_wait')} hint={t('sched.queue_wait_hint')} value={s.queue_wait_seconds} />
          <Field id="fixed" label={t('sched.fixed')} hint={t('sched.fixed_hint')}>
            <Select
              id="fixed"
              value={s.fixed_account ? String(s.fixed_account.id) : ''}
              options={[
                ['', t('sched.fixed_none')],
                ...accounts.map((a) => [String(a.id), a.label] as const),
                ...(s.fixed_account && !accounts.some((a) => a.id === s.fixed_account!.id) ? [[String(s.fixed_account.id), s.fixed_account.label ?? t('account.gone')] as const] : []),
              ]}
              onChange={(v) => void fixAccount(accounts.find((a) => String(a.id) === v) ?? null)}
            />
          </Field>
        </div>
        <div class="row wrap">
          <span class="grow">{t('sched.bindings', { n: s.bindings })}</span>
          <Button
            label={t('sched.clear')}
            icon="trash"
            disabled={s.bindings === 0}
            onClick={() =>
              confirmDo({
                title: t('sched.clear_title', { n: s.bindings }),
                text: t('sched.clear_text'),
                label: t('sched.clear'),
                danger: true,
                run: async () => {
                  const { cleared } = await remove<{ cleared: number }>('api/scheduling/bindings');
                  say(t('sched.cleared', { n: number(cleared) }));
                  void loadScheduling();
                  void loadAccounts();
                },
              })
            }
          />
        </div>
      </div>
    </section>
  );
}
