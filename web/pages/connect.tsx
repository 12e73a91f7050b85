// pages/connect.tsx - for each client, what to paste where.
import { Client, Connect, KeyNote, Steps, Written, connect } from '../parts/clients';
import { Page } from '../shell';
import '../shell'; // what every page stands on is one file
import { said, t, word } from '../text';
import { remember } from '../theme';
import { Copy, Prose, roveKey } from '../ui';
import { Child, h, redraw } from '../view';

let chosen = remember.read('client') ?? '';

function Tabs({ clients, at }: { clients: Client[]; at: Client }): Child {
  return (
    <div class="clients" role="tablist" aria-label={t('nav.connect')} aria-orientation="vertical" onKeydown={roveKey}>
      {clients.map((c) => (
        <button
          key={c.client}
          type="button"
          role="tab"
          id={`tab-${c.client}`}
          aria-selected={String(c === at)}
          aria-controls="client"
          tabindex={c === at ? 0 : -1}
          onClick={() => {
            chosen = c.client;
            remember.write('client', c.client);
            redraw();
          }}
        >
          {c.title}
          <span class="tiny faint">{word('protocol', c.protocol)}</span>
        </button>
      ))}
    </div>
  );
}

function Clients({ data }: { data: Connect }): Child {
  const at = data.clients.find((c) => c.client === chosen) ?? data.clients[0];
  if (!at) return null;
  return (
    <div class="stack loose">
      <div class="row wrap">
        <span class="copy-line grow">
          <Copy text={data.base_url} label={t('remote.address')} />
        </span>
        <KeyNote d={data} />
      </div>
      <div class="connect">
        <Tabs clients={data.clients} at={at} />
        <section class="card" id="client" role="tabpanel" aria-labelledby={`tab-${at.client}`}>
          <div class="body stack loose">
            <p>
              <Prose text={said(at.about)} />
            </p>
            <Steps client={at} />
            <Written client={at} d={data} />
          </div>
        </section>
      </div>
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
  enter: () => void connect.load(),
};
