// parts/bars.tsx - stacked bars over time, drawn by Chart.js in the colours of the page. What they show stands in a table, too.
import { BarController, BarElement, CategoryScale, Chart, LinearScale, Tooltip } from 'chart.js';
import { compact, languageNow, number } from '../text';
import { isCompact, isDark } from '../theme';
import { Child, h } from '../view';

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip);

export interface Series {
  label: string;
  color: string; // a custom property of the style
  values: number[];
}

interface Props {
  id: string;
  title: string;
  labels: string[];
  series: Series[];
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

interface Held {
  chart: Chart;
  sign: string;
}

const held = new Map<string, Held>();

function datasets(p: Props): unknown[] {
  return p.series.map((s) => ({ label: s.label, data: s.values, backgroundColor: css(s.color), borderRadius: 2, maxBarThickness: 28, categoryPercentage: 0.86, barPercentage: 0.92 }));
}

function make(el: HTMLCanvasElement, p: Props): Chart {
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const font = { family: css('--font'), size: 11 };
  return new Chart(el, {
    type: 'bar',
    data: { labels: p.labels, datasets: datasets(p) },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: still ? false : { duration: 200 },
      interaction: { mode: 'index', intersect: false },
      plugins: {
        tooltip: {
          backgroundColor: css('--text'),
          titleColor: css('--bg'),
          bodyColor: css('--bg'),
          footerColor: css('--bg'),
          titleFont: font,
          bodyFont: font,
          boxPadding: 4,
          callbacks: { label: (c: any) => `${c.dataset.label}: ${number(c.raw)}` },
        },
      },
      scales: {
        x: { stacked: true, grid: { display: false }, border: { display: false }, ticks: { color: css('--text-3'), font, maxRotation: 0, autoSkipPadding: 16 } },
        y: { stacked: true, beginAtZero: true, border: { display: false }, grid: { color: css('--line'), drawBorder: false }, ticks: { color: css('--text-3'), font, maxTicksLimit: 5, precision: 0, callback: (v: number) => compact(v) } },
      },
    },
  });
}

function keep(el: HTMLCanvasElement, p: Props): void {
  const look = `${isDark()} ${isCompact()} ${languageNow()}`;
  const sign = JSON.stringify([p.labels, p.series, look]);
  const known = held.get(p.id);
  if (known?.sign === sign) return;
  if (known) {
    known.chart.destroy();
    held.delete(p.id);
  }
  held.set(p.id, { chart: make(el, p), sign });
}

const elements = new Map<string, HTMLCanvasElement>();

export function Bars(p: Props): Child {
  const el = elements.get(p.id);
  if (el) queueMicrotask(() => el.isConnected && keep(el, p));
  return (
    <figure class="figure">
      <figcaption class="row wrap">
        <span class="grow">
          <b>{p.title}</b>
        </span>
        {p.series.map((s) => (
          <span class="row small dim nowrap legend" key={s.label}>
            <i style={{ background: `var(${s.color})` }} />
            {s.label}
          </span>
        ))}
      </figcaption>
      <div class="canvas">
        <canvas
          role="img"
          aria-label={p.title}
          ref={(canvas: HTMLCanvasElement | null) => {
            if (canvas) {
              elements.set(p.id, canvas);
              keep(canvas, p);
            } else {
              held.get(p.id)?.chart.destroy();
              held.delete(p.id);
              elements.delete(p.id);
            }
          }}
        />
      </div>
    </figure>
  );
}
