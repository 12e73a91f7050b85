// icons.tsx - drawings of 16 by 16, drawn with strokes in the colour of the text beside them.
import { Child, h } from './view';

const PATHS = {
  gauge: 'M2.5 11.5a5.5 5.5 0 1 1 11 0M8 11.5l2.6-3.6',
  route: 'M3 4.5a1.5 1.5 0 1 0 0-.1M13 11.5a1.5 1.5 0 1 0 0 .1M4.5 4.5H9a2 2 0 0 1 2 2v0a2 2 0 0 1-2 2H7a2 2 0 0 0-2 2v0a1.5 1.5 0 0 0 1.5 1.5h3.5',
  list: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  chart: 'M2.5 13.5h11M4.5 11V7.5M8 11V3.5M11.5 11V6',
  gear: 'M8 10.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM8 1.8v1.7M8 12.5v1.7M1.8 8h1.7M12.5 8h1.7M3.6 3.6l1.2 1.2M11.2 11.2l1.2 1.2M12.4 3.6l-1.2 1.2M4.8 11.2l-1.2 1.2',
  globe: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2 8h12M8 2c2 1.7 2.7 3.7 2.7 6S10 12.3 8 14C6 12.3 5.3 10.3 5.3 8S6 3.7 8 2z',
  plug: 'M6 2v3.5M10 2v3.5M4 5.5h8V8a4 4 0 0 1-8 0zM8 12v2.5',
  plus: 'M8 3v10M3 8h10',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2.5V5h-2.5',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5l3 3',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5l3.2 3.2L13 5',
  copy: 'M5.5 5.5v-2a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-2M3.5 5.5h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1z',
  pin: 'M8 9.5V14M5 2.5h6M6 2.5v3L4.5 9.5h7L10 5.5v-3',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.5l7 4.5-7 4.5z',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  up: 'M4 10l4-4 4 4',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.8 7v3.8M9.2 7v3.8',
  edit: 'M3 13l.6-2.6 7.2-7.2 2 2-7.2 7.2zM9.5 4.5l2 2',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z',
  screen: 'M2.5 3.5h11v7.5h-11zM6 13.5h4',
  warn: 'M8 2.5l6 10.5H2zM8 6.5v3M8 11.2h.01',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3v3.5M8 5.2h.01',
  grid: 'M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  external: 'M9 3h4v4M13 3L7.5 8.5M11 9v3.5a.5.5 0 0 1-.5.5h-7a.5.5 0 0 1-.5-.5v-7a.5.5 0 0 1 .5-.5H7',
  grip: 'M6 4h.01M6 8h.01M6 12h.01M10 4h.01M10 8h.01M10 12h.01',
  undo: 'M5 3.5L2.5 6 5 8.5M2.5 6H9.5a4 4 0 0 1 0 8H6',
  key: 'M5.5 10.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8.5 7.5h5.5M12 7.5v2.5',
  bolt: 'M9 1.8L3.5 9H8l-1 5.2L12.5 7H8z',
  download: 'M8 2.5v7.5M4.8 7.2L8 10.4l3.2-3.2M3 13.5h10',
  filter: 'M2.5 3.5h11L9.5 8.5v4l-3 1.5V8.5z',
  user: 'M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zM2.8 13.7a5.3 5.3 0 0 1 10.4 0',
  lock: 'M3.5 7.5h9v6h-9zM5.5 7.5V5.3a2.5 2.5 0 0 1 5 0v2.2',
  book: 'M3 3.5c2-.7 3.6-.4 5 .6 1.4-1 3-1.3 5-.6v9c-2-.7-3.6-.4-5 .6-1.4-1-3-1.3-5-.6zM8 4.1v9',
  rows: 'M2.5 3.5h11v3.5h-11zM2.5 9h11v3.5h-11z',
};

export type IconName = keyof typeof PATHS;

export function Icon({ name, className }: { name: IconName; className?: string }): Child {
  const thick = name === 'more' || name === 'grip';
  return (
    <svg class={`icon ${className ?? ''}`} viewBox="0 0 16 16" aria-hidden="true" stroke-width={thick ? 2.4 : undefined}>
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark(): Child {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0b62c4" />
      <path d="M8 8v6c0 2 1.5 3.2 3.4 3.2H15V24h2v-6.8h3.6C22.5 17.2 24 16 24 14V8" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
