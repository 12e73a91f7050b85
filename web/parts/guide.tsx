// parts/guide.tsx - for whoever sees this for the first time: an account, a client, the first request.
import { Icon } from '../icons';
import { live } from '../live';
import { duration, t, word } from '../text';
import { remember } from '../theme';
import { Account } from '../types';
import { Button } from '../ui';
import { Child, Fragment, h, redraw } from '../view';
import { openAddAccount } from './add';
import { ClientSettings } from './clients';

let dismissed = remember.read('guide') === 'done';
// Once the guide is there it stays until its last step is seen, or somebody closes it.
let begun = false;

export function guideWanted(accounts: Account[]): boolean {
  if (dismissed || !live.rowsKnown) return false;
  if (accounts.length === 0 || live.rows.length === 0) begun = true;
  return begun && !(accounts.length > 0 && accounts.some((a) => a.served > 20));
}

function Step({ n, done, title, children }: { n: number; done: boolean; title: string; children?: Child }): Child {
  return (
    <li class={`step ${done ? 'done' : ''}`}>
      <span class="mark" aria-hidden="true">
        {done ? <Icon name="check" /> : n}
      </span>
      <div class="stack">
        <h3>
          {title}
          {done && <span class="sr"> ({t('guide.done')})</span>}
        </h3>
        {children}
      </div>
    </li>
  );
}

export function Guide({ accounts }: { accounts: Account[] }): Child {
  const first = [...live.rows].reverse().find((r) => r.provider !== 'simulator' && r.status >= 200 && r.status < 300);
  const has = accounts.length > 0;
  const reason = first?.tries?.[first.tries.length - 1]?.reason;
  return (
    <section class="card guide" aria-label={t('guide.title')}>
      <div class="head">
        <h2 class="grow">{t('guide.title')}</h2>
        <Button
          label={t('guide.close')}
          icon="close"
          iconOnly
          kind="quiet small"
          onClick={() => {
            dismissed = true;
            remember.write('guide', 'done');
            redraw();
          }}
        />
      </div>
      <ol class="steps">
        <Step n={1} done={has} title={t('guide.account')}>
          {!has && (
            <>
              <p class="dim">{t('guide.account_text')}</p>
              <div>
                <Button label={t('add.title')} icon="plus" kind="primary" onClick={() => openAddAccount()} />
              </div>
            </>
          )}
        </Step>
        <Step n={2} done={!!first} title={t('guide.client')}>
          {!first && (
            <>
              <p class="dim">{t('guide.client_text')}</p>
              <ClientSettings only="claude-code" />
              <a href="connect">{t('guide.client_more')}</a>
            </>
          )}
        </Step>
        <Step n={3} done={!!first} title={t('guide.request')}>
          {first ? (
            <p>
              {t('guide.request_done', { model: first.model ?? '', account: first.account ?? '', time: duration(first.duration_ms) })}
              {reason && ` · ${word('reason', reason)}`}{' '}
              <a href={`logs?id=${encodeURIComponent(first.id)}`}>{t('guide.request_why')}</a>
            </p>
          ) : (
            <p class="dim">{t('guide.request_text')}</p>
          )}
        </Step>
      </ol>
    </section>
  );
}
