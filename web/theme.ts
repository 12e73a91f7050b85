// theme.ts - how the page looks to this person: colours, density, language. Kept in the browser.
import { languageOfBrowser, setLanguage } from './text';
import { redraw } from './view';

export type Theme = 'system' | 'light' | 'dark';
export type Density = 'regular' | 'compact';

function read(name: string): string | null {
  try {
    return localStorage.getItem(`penstock.${name}`);
  } catch {
    return null;
  }
}

function write(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`penstock.${name}`);
    else localStorage.setItem(`penstock.${name}`, value);
  } catch {
    // it holds until the page is left
  }
}

export const look = {
  theme: (read('theme') ?? 'system') as Theme,
  density: (read('density') ?? '') as Density | '', // '': as the gateway's settings say
  compact: false, // what they say
};

function apply(): void {
  const root = document.documentElement;
  root.dataset.theme = isDark() ? 'dark' : 'light';
  if (isCompact()) root.dataset.density = 'compact';
  else delete root.dataset.density;
  redraw();
}

export function isCompact(): boolean {
  return look.density === '' ? look.compact : look.density === 'compact';
}

export function isDark(): boolean {
  return look.theme === 'dark' || (look.theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
}

export function setTheme(theme: Theme): void {
  look.theme = theme;
  write('theme', theme === 'system' ? null : theme);
  apply();
}

export function setDensity(density: Density): void {
  look.density = density;
  write('density', density);
  apply();
}

// The gateway's setting; a person's own choice goes before it.
export function setCompactDefault(compact: boolean): void {
  look.compact = compact;
  apply();
}

export function chooseLanguage(id: string): void {
  write('language', id);
  void setLanguage(id);
}

export async function startLook(): Promise<void> {
  apply();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
  await setLanguage(read('language') ?? languageOfBrowser()).catch(() => setLanguage('en'));
}

export const remember = { read, write };
