// boot.ts - runs before the first paint, so that nobody sees the wrong colours for a moment, and asks early for what will be needed:
// the scripts of the page and its first data, while the rest is still read. The rest is theme.ts and api.ts.
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

  const page = location.pathname.split('/').pop() ?? '';
  const chunks = document.querySelector<HTMLMetaElement>('meta[name=chunks]')?.content.split(';') ?? [];
  for (const list of chunks) {
    const [name, ...files] = list.split(' ');
    if (!name || !page.startsWith(name)) continue;
    for (const file of files) {
      const link = document.createElement('link');
      link.rel = 'modulepreload';
      link.href = `assets/${file}`;
      document.head.append(link);
    }
  }

  // Answers are taken by api.ts, once each. Nothing is asked for that would be refused.
  const early = ((window as any).early = {} as Record<string, Promise<Response>>);
  const ask = (path: string): Promise<Response> => (early[path] = fetch(path, { headers: { Accept: 'application/json' }, credentials: 'same-origin', cache: 'no-store', redirect: 'error' }));
  if (!location.hash.startsWith('#link='))
    ask('api/session')
      .then((answer) => answer.clone().json())
      .then((session) => {
        if (session.signed_in) for (const path of ['api/accounts', 'api/scheduling', 'api/status', 'api/requests?limit=200']) ask(path).catch(() => undefined);
      })
      .catch(() => undefined);
}
export {};
