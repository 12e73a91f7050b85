// pages/connect.tsx - for each client, what to paste where.
import { Client, Connect, Snippets, connect } from '../parts/clients';
import { Page } from '../shell';
import { t } from '../text';
import { remember } from '../theme';
import { roveKey } from '../ui';
import { Child, h, redraw } from '../view';

let chosen = remember.read('client') ?? '';

function Tabs({ clients, at }: { clients: Client[]; at: Client }): Child {
  return (
    <div class="tabs" role="tablist" aria-label={t('nav.connect')} onKeydown={roveKey}>
      {clients.map((c) => (
        <button
          key={c.id}
          type="button"
          role="tab"
          id={`tab-${c.id}`}
          aria-selected={String(c === at)}
          aria-controls="client"
          tabindex={c === at ? 0 : -1}
          onClick={() => {
            chosen = c.id;
            remember.write('client', c.id);
            redraw();
          }}
        >
          {c.name}
        </button>
      ))}
    </div>
  );
}

function Clients({ data }: { data: Connect }): Child {
  const at = data.clients.find((c) => c.id === chosen) ?? data.clients[0];
  if (!at) return null;
  return (
    <div class="connect">
      <Tabs clients={data.clients} at={at} />
      <section class="card" id="client" role="tabpanel" aria-labelledby={`tab-${at.id}`}>
        <div class="body">
          <Snippets client={at} />
        </div>
      </section>
    </div>
  );
}

export const page: Page = {
  view: () => (
    <div class="inner stack loose">
      <p class="dim lead">{t('connect.text')}</p>
      {connect.view((data) => (
        <Clients data={data} />
      ))}
    </div>
  ),
};
