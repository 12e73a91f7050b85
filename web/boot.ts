// boot.ts - runs before the first paint, so that nobody sees the wrong colours for a moment. The rest is theme.ts.
{
  const kept = (name: string): string | null => {
    try {
      return localStorage.getItem(`penstock.${name}`);
    } catch {
      return null; // storage may be forbidden
    }
  };
  const theme = kept('theme');
  const density = kept('density');
  document.documentElement.dataset.theme = theme === 'light' || theme === 'dark' ? theme : matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  if (density === 'compact') document.documentElement.dataset.density = density;
}
export {};
