// parts/figures.tsx - the few figures that stand beside every page's title.
import { live } from '../live';
import { compact, percent, t } from '../text';
import { Child, h } from '../view';

// Of the requests that ended in the last minute.
export function minute(): { requests: number; tokens: number; cacheShare: number | null } {
  const since = Date.now() - 60000;
  let requests = 0;
  let tokens = 0;
  let read = 0;
  let input = 0;
  for (const r of live.rows) {
    if (r.started_unix_ms + r.duration_ms < since) continue;
    requests++;
    tokens += (r.tokens.in ?? 0) + (r.tokens.out ?? 0);
    read += r.tokens.cache_read ?? 0;
    input += r.tokens.in ?? 0;
  }
  return { requests, tokens, cacheShare: input > 0 ? Math.min(1, read / input) : null };
}

export function Live(): Child {
  const m = minute();
  return (
    <div class="live">
      <span>
        <b>{compact(m.requests)}</b> {t('live.requests')}
      </span>
      <span class="wide">
        <b>{compact(m.tokens)}</b> {t('live.tokens')}
      </span>
      {m.cacheShare !== null && (
        <span class="wide">
          <b>{percent(m.cacheShare)}</b> {t('live.cache')}
        </span>
      )}
    </div>
  );
}

