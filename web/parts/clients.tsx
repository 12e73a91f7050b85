// parts/clients.tsx - what to paste where, so that a client talks to this gateway (GET /api/connect).
import { get } from '../api';
import { t } from '../text';
import { Copy, Loader } from '../ui';
import { Child, h } from '../view';

export interface Snippet {
  title: string;
  text: string;
}

export interface Client {
  id: string;
  name: string;
  note?: string;
  snippets: Snippet[];
}

export interface Connect {
  base_url?: string;
  clients: Client[];
}

export const connect = new Loader<Connect>(() => get<Connect>('api/connect'));

export function Snippets({ client }: { client: Client }): Child {
  return (
    <div class="stack">
      {client.note && <p class="small dim">{client.note}</p>}
      {client.snippets.map((s) => (
        <div class="stack tight" key={s.title}>
          <span class="small dim">{s.title}</span>
          <Copy text={s.text} label={`${client.name}: ${s.title}`} />
        </div>
      ))}
    </div>
  );
}

export function ClientSettings({ only }: { only: string }): Child {
  connect.ensure();
  if (connect.error) return <p class="small faint">{connect.error.absent ? t('state.absent_text') : t('state.failed')}</p>;
  const client = connect.data?.clients.find((c) => c.id === only);
  return client ? <Snippets client={client} /> : null;
}
