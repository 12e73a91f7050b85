// pages/routing.tsx - how a request finds its account: scheduling, flows, account routes, mapping, and a dry run.
import { live, loadScheduling } from '../live';
import { ExplainCard } from '../parts/explain';
import { Live } from '../parts/figures';
import { draft } from '../parts/route_draft';
import { Editors, SaveBar } from '../parts/routes';
import { SchedulingCard } from '../parts/scheduling';
import { SortableVoice } from '../parts/sortable';
import { Page } from '../shell';
import '../shell'; // what every page stands on is one file
import { Child, h } from '../view';

// What requests asked for lately.
function models(): string[] {
  const seen = new Set<string>();
  for (const r of live.rows) for (const m of [r.model, r.mapped_model]) if (m) seen.add(m);
  return [...seen].sort().slice(0, 200);
}

function view(): Child {
  return (
    <div class="inner stack loose routing">
      <div class="columns">
        <div class="stack loose">
          <SchedulingCard />
          <ExplainCard />
        </div>
        <div class="stack loose">
          <Editors models={models()} />
        </div>
      </div>
      <SaveBar />
      <SortableVoice />
    </div>
  );
}

function onKey(e: KeyboardEvent): void {
  const typing = /^(INPUT|TEXTAREA)$/.test((e.target as Element).tagName);
  if ((e.ctrlKey || e.metaKey) && e.key === 'z' && !e.shiftKey && !typing) {
    e.preventDefault();
    draft.undo();
  } else if ((e.ctrlKey || e.metaKey) && e.key === 's') {
    e.preventDefault();
    if (draft.changed) void draft.save();
  }
}

export const page: Page = {
  view,
  tools: Live,
  enter: () => {
    void loadScheduling();
    if (!draft.changed) void draft.load();
    addEventListener('keydown', onKey);
  },
  leave: () => removeEventListener('keydown', onKey),
};
