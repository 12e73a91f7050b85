// pages/remote.tsx - how the gateway is reached from elsewhere: its addresses, and tunnels as far as the gateway manages them.
import qrcode from 'qrcode-generator';
import { get, part, post, remove } from '../api';
import { Icon } from '../icons';
import { live, loadStatus } from '../live';
import { Page } from '../shell';
import '../shell'; // what every page stands on is one file
import { t } from '../text';
import { Button, Copy, Failure, Loader, Loading, Prose, openDialog, say, sayError } from '../ui';
import { Child, h, redraw } from '../view';

interface Tunnel {
  kind: string;
  state: string; // off, starting, on, failed
  url: string | null;
  message: string | null;
  installed?: boolean;
}

const tunnels = new Loader<{ tunnels: Tunnel[] }>(() => get('api/tunnels'));

// --- an address as a picture --------------------------------------------------------------------------------------------

function Qr({ text }: { text: string }): Child {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const n = code.getModuleCount();
  let path = '';
  for (let y = 0; y < n; y++) for (let x = 0; x < n; x++) if (code.isDark(y, x)) path += `M${x} ${y}h1v1h-1z`;
  return (
    <svg class="qr" viewBox={`-2 -2 ${n + 4} ${n + 4}`} role="img" aria-label={t('remote.qr_of', { url: text })} shape-rendering="crispEdges">
      <rect x="-2" y="-2" width={n + 4} height={n + 4} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

function showQr(url: string): void {
  openDialog({
    title: t('remote.qr'),
    body: () => (
      <div class="stack qr-box">
        <Qr text={url} />
        <Copy text={url} />
      </div>
    ),
  });
}

// --- addresses ----------------------------------------------------------------------------------------------------------

const isLoopback = (address: string): boolean => /^(127\.|\[::1\]|localhost)/.test(address);

// A listener at all addresses is reached by the name that this page was opened with.
function urlOf(listener: string): string {
  const bare = listener.replace(/^https?:\/\//, '');
  const every = /^(0\.0\.0\.0|\[::\]):(\d+)$/.exec(bare);
  return `http://${every ? `${location.hostname}:${every[2]}` : bare}`;
}

function Addresses(): Child {
  const list = live.status?.listeners;
  if (!list) return live.error ? <Failure error={live.error} retry={() => void loadStatus()} /> : <Loading rows={2} height={40} />;
  return (
    <section class="card" aria-labelledby="addresses-title">
      <div class="head">
        <div class="grow">
          <h2 id="addresses-title">{t('remote.addresses')}</h2>
          <p class="small dim">{t('remote.addresses_text')}</p>
        </div>
      </div>
      <div class="body stack">
        {list.map((l) => {
          const url = urlOf(l);
          const near = isLoopback(url.slice(7));
          return (
            <div class="row wrap" key={l}>
              <span class="grow copy-line">
                <Copy text={url} label={t('remote.address')} />
              </span>
              <span class={`chip ${near ? '' : 'accent'}`}>{near ? t('remote.this_machine') : t('remote.network')}</span>
              {!near && <Button label={t('remote.qr')} icon="grid" kind="small" onClick={() => showQr(url)} />}
            </div>
          );
        })}
        {list.every((l) => isLoopback(l.replace(/^https?:\/\//, ''))) && <p class="small dim"><Prose text={t('remote.how')} /></p>}
      </div>
    </section>
  );
}

// --- tunnels ------------------------------------------------------------------------------------------------------------

async function turn(kind: string, on: boolean): Promise<void> {
  try {
    await (on ? post(`api/tunnels/${part(kind)}`, {}) : remove(`api/tunnels/${part(kind)}`));
    await tunnels.load();
    if (!on) say(t('remote.stopped', { kind }));
  } catch (error) {
    sayError(error);
  }
  redraw();
}

function TunnelRow({ tunnel }: { tunnel: Tunnel }): Child {
  const on = tunnel.state === 'on' || tunnel.state === 'starting';
  return (
    <div class="keyrow" key={tunnel.kind}>
      <i class={`dot ${tunnel.state === 'on' ? 'ok' : tunnel.state === 'starting' ? 'locked pulse' : tunnel.state === 'failed' ? 'error' : ''}`} />
      <div class="stack tight grow">
        <b>{tunnel.kind}</b>
        {tunnel.message && <span class="small dim">{tunnel.message}</span>}
        {tunnel.url && <Copy text={tunnel.url} />}
      </div>
      {tunnel.url && <Button label={t('remote.qr')} icon="grid" kind="small" onClick={() => showQr(tunnel.url!)} />}
      <Button label={on ? t('remote.stop') : t('remote.start')} kind="small" onClick={() => void turn(tunnel.kind, !on)} />
    </div>
  );
}

// What to do where the gateway runs no tunnels.
function Absent(): Child {
  return (
    <div class="body stack">
      <p class="row start">
        <Icon name="info" />
        <span class="dim">
          <Prose text={t('remote.absent')} />
        </span>
      </p>
      <div class="row wrap">
        <a class="btn" href="settings?tab=keys">
          {t('remote.make_key')}
        </a>
        <a class="btn" href="settings?tab=network">
          {t('remote.add_address')}
        </a>
      </div>
    </div>
  );
}

function Tunnels(): Child {
  tunnels.ensure();
  return (
    <section class="card" aria-labelledby="tunnels-title">
      <div class="head">
        <div class="grow">
          <h2 id="tunnels-title">{t('remote.tunnels')}</h2>
          <p class="small dim">{t('remote.tunnels_text')}</p>
        </div>
      </div>
      {tunnels.data ? (
        <div>
          {tunnels.data.tunnels.map((tunnel) => (
            <TunnelRow key={tunnel.kind} tunnel={tunnel} />
          ))}
        </div>
      ) : tunnels.error?.absent ? (
        <Absent />
      ) : (
        tunnels.view(() => null, 2)
      )}
    </section>
  );
}

export const page: Page = {
  view: () => (
    <div class="inner stack loose">
      <Addresses />
      <Tunnels />
    </div>
  ),
  enter: () => void tunnels.load(),
};

