// parts/figures.tsx - the few figures that stand beside every page's title.
import { live } from '../live';
import { compact, number, percent, t } from '../text';
import { Child, h } from '../view';

export function Live(): Child {
  const now = live.totals;
  if (!now) return null;
  const rate = now.requests_per_second_milli / 1000;
  return (
    <div class="live">
      <span>
        <b>{rate < 10 && rate > 0 ? rate.toFixed(1) : number(Math.round(rate))}</b> {t('live.requests')}
      </span>
      <span class="wide">
        <b>{number(now.running)}</b> {t('live.running')}
      </span>
      <span class="wide">
        <b>{compact(now.tokens_in_per_minute + now.tokens_out_per_minute)}</b> {t('live.tokens')}
      </span>
      {now.cache_hit_permille !== null && (
        <span class="wide">
          <b>{percent(now.cache_hit_permille / 1000)}</b> {t('live.cache')}
        </span>
      )}
      {now.failed_per_minute > 0 && (
        <span class="wide text-error">
          <b class="text-error">{number(now.failed_per_minute)}</b> {t('live.failed')}
        </span>
      )}
    </div>
  );
}
