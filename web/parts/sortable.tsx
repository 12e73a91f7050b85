// parts/sortable.tsx - a list whose items are put in order with the pointer (touch, too) or with the arrow keys on their handles.
import { Icon } from '../icons';
import { t } from '../text';
import { Child, Key, h, redraw } from '../view';

interface Props<T> {
  id: string;
  label: string;
  items: T[];
  keyOf: (item: T) => Key;
  nameOf: (item: T) => string;
  view: (item: T, index: number, handle: Child) => Child;
  onMove: (from: number, to: number) => void;
}

let dragged: { list: string; key: Key } | null = null;
let said = ''; // to a screen reader

const EDGE = 56; // so near to the edge of the window the page scrolls along
const SCROLL_STEP = 9;

function scrollerOf(el: Element): Element {
  for (let at = el.parentElement; at; at = at.parentElement) if (at.scrollHeight > at.clientHeight && /auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  return document.scrollingElement!;
}

function startDrag<T>(p: Props<T>, item: T, event: PointerEvent): void {
  if (event.button !== 0) return;
  event.preventDefault();
  const handle = (event.target as Element).closest('button')!;
  const scroller = scrollerOf(handle);
  const key = p.keyOf(item);
  let items = [...p.items];
  let y = event.clientY;
  dragged = { list: p.id, key };
  redraw();
  const place = (): void => {
    const rows = [...document.querySelectorAll<HTMLElement>(`[data-sortable="${p.id}"] > li`)];
    const from = items.findIndex((one) => p.keyOf(one) === key);
    let to = from;
    rows.forEach((row, i) => {
      const r = row.getBoundingClientRect();
      const middle = r.top + r.height / 2;
      if (i < from && y < middle && i < to) to = i;
      if (i > from && y > middle && i > to) to = i;
    });
    if (to === from || from < 0) return;
    const [one] = items.splice(from, 1);
    items = [...items.slice(0, to), one!, ...items.slice(to)];
    p.onMove(from, to);
  };
  const move = (e: PointerEvent): void => {
    y = e.clientY;
    place();
  };
  const follow = (): void => {
    if (dragged?.key !== key) return;
    const step = y < EDGE ? -SCROLL_STEP : y > innerHeight - EDGE ? SCROLL_STEP : 0;
    const before = scroller.scrollTop;
    scroller.scrollTop += step;
    if (scroller.scrollTop !== before) place();
    requestAnimationFrame(follow);
  };
  const end = (): void => {
    dragged = null;
    removeEventListener('pointermove', move);
    removeEventListener('pointerup', end);
    removeEventListener('pointercancel', end);
    redraw();
  };
  (handle as HTMLElement).focus();
  addEventListener('pointermove', move);
  addEventListener('pointerup', end);
  addEventListener('pointercancel', end);
  requestAnimationFrame(follow);
}

function onKey<T>(p: Props<T>, item: T, index: number, event: KeyboardEvent): void {
  const to = event.key === 'ArrowUp' ? index - 1 : event.key === 'ArrowDown' ? index + 1 : event.key === 'Home' ? 0 : event.key === 'End' ? p.items.length - 1 : -1;
  if (!['ArrowUp', 'ArrowDown', 'Home', 'End'].includes(event.key)) return;
  event.preventDefault();
  if (to < 0 || to >= p.items.length || to === index) return;
  p.onMove(index, to);
  said = t('sort.moved', { name: p.nameOf(item), n: to + 1, of: p.items.length });
}

export function Sortable<T>(p: Props<T>): Child {
  return (
    <ol class="sortable" data-sortable={p.id} aria-label={p.label}>
      {p.items.map((item, i) => {
        const key = p.keyOf(item);
        const handle = (
          <button
            type="button"
            id={`${p.id}-handle-${key}`}
            class="handle"
            aria-label={t('sort.handle', { name: p.nameOf(item) })}
            title={t('sort.hint')}
            onPointerdown={(e: PointerEvent) => startDrag(p, item, e)}
            onKeydown={(e: KeyboardEvent) => onKey(p, item, i, e)}
          >
            <Icon name="grip" />
          </button>
        );
        return (
          <li key={key} class={dragged?.list === p.id && dragged.key === key ? 'dragged' : ''}>
            {p.view(item, i, handle)}
          </li>
        );
      })}
    </ol>
  );
}

export function SortableVoice(): Child {
  return (
    <div class="sr" role="status" aria-live="assertive">
      {said}
    </div>
  );
}
