// text.ts - texts in the language of the person, and numbers and times as that language writes them.
//
// texts/en.json is the measure: its keys are the type of t()'s argument. Other languages come as chunks of their own; a text that one
// lacks is shown in English. `{name}` stands for a value, `{n|one|many}` for the word that fits the number n.

import en from './texts/en.json';
import { redraw } from './view';

export type Texts = Record<keyof typeof en, string>;
export type TextKey = keyof typeof en;

export const LANGUAGES: ReadonlyArray<{ id: string; name: string }> = [
  { id: 'en', name: 'English' },
  { id: 'zh-CN', name: '简体中文' },
  { id: 'ja', name: '日本語' },
  { id: 'ko', name: '한국어' },
  { id: 'pt', name: 'Português' },
];

const loaders: Record<string, () => Promise<{ default: Partial<Texts> }>> = {
  'zh-CN': () => import('./texts/zh-CN.json'),
  ja: () => import('./texts/ja.json'),
  ko: () => import('./texts/ko.json'),
  pt: () => import('./texts/pt.json'),
};

let language = 'en';
let texts: Partial<Texts> = en;
let plain = new Intl.NumberFormat('en');
let short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
let clock = new Intl.DateTimeFormat('en');
let moment = new Intl.DateTimeFormat('en');

function formats(): void {
  plain = new Intl.NumberFormat(language);
  short = new Intl.NumberFormat(language === 'en' ? 'en' : language, { notation: 'compact', maximumFractionDigits: 1 });
  clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  moment = new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

export function languageNow(): string {
  return language;
}

export function languageOfBrowser(): string {
  for (const wanted of navigator.languages ?? [navigator.language])
    for (const l of LANGUAGES)
      if (wanted.toLowerCase() === l.id.toLowerCase() || wanted.split('-')[0]!.toLowerCase() === l.id.split('-')[0]) return l.id;
  return 'en';
}

export async function setLanguage(id: string): Promise<void> {
  const load = loaders[id];
  if (load) texts = (await load()).default;
  else texts = en;
  language = load ? id : 'en';
  document.documentElement.lang = language;
  formats();
  useSayings({});
  void loadSayings(language).catch(() => undefined); // they stay English
  redraw();
}

// --- what the gateway says ----------------------------------------------------------------------------------------------

// Its sentences are English: meanings of settings, faults, hints. texts/gateway/<language>.json has those of them that are a closed
// set; `{}` stands for anything. tools/check_texts.py looks for each in the sources. What a provider said stays as it is.
type Sayings = Record<string, string>;

const sayingLoaders: Record<string, () => Promise<{ default: Sayings }>> = {
  'zh-CN': () => import('./texts/gateway/zh-CN.json'),
  ja: () => import('./texts/gateway/ja.json'),
  ko: () => import('./texts/gateway/ko.json'),
  pt: () => import('./texts/gateway/pt.json'),
};

let sayings: Sayings = {};
let patterns: Array<[RegExp, string]> = [];

function useSayings(of: Sayings): void {
  sayings = of;
  patterns = Object.entries(of)
    .filter(([english]) => english.includes('{}'))
    .map(([english, text]) => [new RegExp(`^${english.replace(/[.*+?^$|()[\]\\]/g, '\\$&').replace(/\{\}/g, '(.+?)')}$`, 's'), text]);
}

async function loadSayings(id: string): Promise<void> {
  const load = sayingLoaders[id];
  const of = load ? (await load()).default : {};
  if (language !== id) return; // another was chosen meanwhile
  useSayings(of);
  redraw();
}

function translated(text: string): string | undefined {
  const exact = sayings[text];
  if (exact !== undefined) return exact;
  for (const [pattern, into] of patterns) {
    const found = pattern.exec(text);
    if (found) return into.replace(/\{(\d)\}/g, (_, n: string) => sayings[found[Number(n)]!] ?? found[Number(n)]!);
  }
  return undefined;
}

// In the person's language, when it is one of those; a place in front of it (`listen: …`) stays.
export function said(text: string | null | undefined): string {
  if (!text || language === 'en') return text ?? '';
  for (let at = 0; ; ) {
    const known = translated(text.slice(at));
    if (known !== undefined) return text.slice(0, at) + known;
    const next = text.indexOf(': ', at);
    if (next < 0) return text;
    at = next + 2;
  }
}

export function has(key: string): key is TextKey {
  return key in en;
}

export function t(key: TextKey, values?: Record<string, string | number>): string {
  const text = texts[key] ?? en[key];
  if (!values) return text;
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (all, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return all;
    if (one !== undefined) return Number(value) === 1 ? one : many!;
    return typeof value === 'number' ? plain.format(value) : value;
  });
}

// A word of the protocol (a verdict, a skip word, …) in the person's language; one we do not know as it stands.
export function word(kind: string, value: string | null | undefined): string {
  if (!value) return '';
  const key = `${kind}.${value}`;
  return has(key) ? t(key) : value.replace(/_/g, ' ');
}

// --- numbers and times ------------------------------------------------------------------------------------------------

export const number = (n: number): string => plain.format(n);
export const compact = (n: number): string => (n < 10000 ? plain.format(n) : short.format(n));
export const percent = (share: number): string => `${Math.round(share * 100)}%`;
export const timeOfDay = (ms: number): string => clock.format(ms);
const two = (n: number): string => String(n).padStart(2, '0');

// 11-28 16:23, for tables
export function shortDate(ms: number): string {
  const d = new Date(ms);
  return `${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`;
}

export const isToday = (ms: number): boolean => new Date(ms).toDateString() === new Date().toDateString();
export const dateTime = (ms: number): string => moment.format(ms);

// 3 d 4 h, 2 h 14 min, 42 s: never more than two units.
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  const part = (n: number, unit: 'd' | 'h' | 'min' | 's'): string => `${n}${t(`unit.${unit}`)}`;
  if (s < 60) return part(s, 's');
  const m = Math.floor(s / 60);
  if (m < 60) return m < 5 && s % 60 ? `${part(m, 'min')} ${part(s % 60, 's')}` : part(m, 'min');
  const hours = Math.floor(m / 60);
  if (hours < 24) return m % 60 ? `${part(hours, 'h')} ${part(m % 60, 'min')}` : part(hours, 'h');
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${part(days, 'd')} ${part(hours % 24, 'h')}` : part(days, 'd');
}

// 38 ms, 4.2 s, 1 min 3 s
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
  return span(ms);
}
