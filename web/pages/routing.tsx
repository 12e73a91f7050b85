// pages/routing.tsx - how a request finds its account: scheduling, flows, account routes, mapping, and a dry run.
import { loadScheduling } from '../live';
import { Live } from '../parts/figures';
import { SchedulingCard } from '../parts/scheduling';
import { Page } from '../shell';
import { Child, h } from '../view';

function view(): Child {
  return (
    <div class="inner stack loose">
      <SchedulingCard />
    </div>
  );
}

export const page: Page = { view, tools: Live, enter: () => void loadScheduling() };
