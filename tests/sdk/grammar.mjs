// Streams that clients got, judged by the grammar of their protocol: order of events, indexes, ids, one end and nothing
// behind it. The judge is tests/unit/wire/check_streams.c; a run hands it all of its streams in the end.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

const kinds = { '/chat/completions': 'openai-chat', '/completions': 'openai-chat', '/responses': 'openai-responses', '/messages': 'anthropic' };

export function protocolOf(url) {
  const path = new URL(url).pathname.replace(/^\/v1(beta)?\//, '/');
  return path.endsWith(':streamGenerateContent') ? 'gemini' : kinds[path];
}

export class Streams {
  constructor(binary) {
    this.judge = join(dirname(binary), 'tests/unit/wire/check_streams');
    this.noted = [];
    this.reading = []; // promises of those that are not at their end yet
  }

  // `passed`: the bytes are an upstream's own; `whole`: the body came to its end.
  note(name, url, asked, bytes, { passed, whole }) {
    const protocol = protocolOf(url);
    if (protocol === undefined) return;
    const body = JSON.parse(asked);
    const flags = [
      body.stream_options?.include_usage === true ? 'u' : '',
      body.functions !== undefined ? 'f' : '',
      url.includes('/completions') && !url.includes('/chat/') ? 'l' : '',
      protocol === 'gemini' && new URL(url).searchParams.get('alt') !== 'sse' ? 'a' : '',
      passed ? 'p' : '',
      whole ? '' : 'c',
    ].join('');
    this.noted.push({ protocol, flags: flags || '-', name: Buffer.from(name), bytes: Buffer.from(bytes) });
  }

  // A `fetch` that notes the streams which it gives. `name` tells whose they are, `wireOf` what the account speaks.
  watch(fetch, name, wireOf) {
    return async (url, init) => {
      const asked = url instanceof Request ? await url.clone().text() : init?.body;
      const response = await fetch(url, init);
      const at = url instanceof Request ? url.url : String(url);
      if (!/^text\/event-stream/.test(response.headers.get('content-type') ?? '') || response.body === null) return response;
      const [theirs, ours] = response.body.tee(); // an SDK may stop at `[DONE]`: what stands behind it counts, too
      this.reading.push(this.#read(ours, name(), at, String(asked), wireOf(response.headers) === protocolOf(at)));
      const { status, statusText, headers } = response;
      const copy = new Response(theirs, { status, statusText, headers });
      Object.defineProperty(copy, 'url', { value: response.url });
      return copy;
    };
  }

  async #read(stream, name, url, asked, passed) {
    const chunks = [];
    let whole = true;
    try {
      for await (const chunk of stream) chunks.push(chunk);
    } catch {
      whole = false;
    }
    this.note(name, url, asked, Buffer.concat(chunks), { passed, whole });
  }

  // What is broken, in words; empty: nothing.
  async check() {
    await Promise.all(this.reading);
    const input = Buffer.concat(
      this.noted.flatMap(({ protocol, flags, name, bytes }) => [Buffer.from(`${protocol} ${flags} ${name.length} ${bytes.length}\n`), name, bytes]),
    );
    const done = spawnSync(this.judge, { input, maxBuffer: 1 << 28 });
    if (done.error) return `${this.judge}: ${done.error.message}`;
    const said = done.stdout.toString();
    console.log(`grammar: ${said.trimEnd().split('\n').at(-1)}`);
    return done.status === 0 ? '' : said + done.stderr;
  }
}
