// parts/clients.tsx - what to paste where, so that a client talks to this gateway (GET /api/connect).
import { get } from '../api';
import { said, t } from '../text';
import { Copy, Loader, Prose } from '../ui';
import { Child, Fragment, h } from '../view';

interface Step {
  kind: 'shell' | 'file' | 'code';
  title: string;
  path?: string;
  language: string;
  content: string;
}

export interface Client {
  client: string;
  title: string;
  protocol: string;
  about: string;
  steps: Step[];
}

export interface Connect {
  base_url: string;
  key_needed: boolean;
  key_shown: string;
  clients: Client[];
}

export const connect = new Loader<Connect>(() => get<Connect>('api/connect'));

export function Steps({ client }: { client: Client }): Child {
  return (
    <div class="stack loose">
      {client.steps.map((s) => (
        <div class="stack tight" key={s.title}>
          <span class="small dim row wrap">
            {said(s.title)}
            {s.path && <code>{s.path}</code>}
          </span>
          <Copy text={s.content} label={`${client.title}: ${said(s.title)}`} />
        </div>
      ))}
    </div>
  );
}

// The command that writes the client's file by itself; the page never takes a path, nor writes outside the gateway's own folder.
export function Written({ client, d }: { client: Client; d: Connect }): Child {
  if (!client.steps.some((s) => s.kind === 'file')) return null;
  const command = `penstock connect ${client.client}`;
  const key = d.key_needed ? ' --key-env CLIENT_KEY' : '';
  return (
    <div class="stack tight">
      <span class="small dim">{t('connect.write')}</span>
      <Copy text={`${command} --write --base-url ${d.base_url}${key}`} label={`${client.title}: ${t('connect.write')}`} />
      <p class="small dim">
        <Prose text={t('connect.write_text', { undo: `${command} --undo` }) + (d.key_needed ? ` ${t('connect.write_key')}` : '')} />
      </p>
    </div>
  );
}

export function KeyNote({ d }: { d: Connect }): Child {
  return (
    <p class="small dim">
      <Prose text={d.key_needed ? t('connect.key_needed', { key: d.key_shown }) : t('connect.key_any', { key: d.key_shown })} />
    </p>
  );
}

// Of one client, for the guide.
export function ClientSettings({ only }: { only: string }): Child {
  connect.ensure();
  if (connect.error) return <p class="small faint">{connect.error.absent ? t('state.absent_text') : t('state.failed')}</p>;
  const client = connect.data?.clients.find((c) => c.client === only);
  return (
    client && (
      <>
        <Steps client={{ ...client, steps: client.steps.slice(0, 1) }} />
        {connect.data!.key_needed && <KeyNote d={connect.data!} />}
      </>
    )
  );
}
