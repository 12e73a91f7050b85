// Cases that every protocol must pass, written once. What differs lies in an adapter:
//
//   ask(t, text, { stream, signal, key, retries }) → { text, model, usage: { in, out, cached } }
//       asks with one user text, waits for the whole answer
//   pieces(t, text, { signal }) → async iterable of { text }, for whoever stops in the middle
//   isError(error, kind)  kind: request, key, rate, overloaded, server, broken (a stream that failed)
//   overloadedStatus      what "overloaded" is called in this protocol
//   promptTokens(text)    what the simulator counts for such a question
import assert from 'node:assert/strict';

import { failure, tokens } from './harness.mjs';

const both = [
  { stream: false, how: 'whole' },
  { stream: true, how: 'streamed' },
];

const verse = 'Wer reitet so spät durch Nacht und Wind?\n\t"Es ist…" 水は流れる 🌊\\ & <end>';

function says(text) {
  return `[[sim:text=${JSON.stringify(text)}]]`;
}

function answerCases(test, adapter) {
  for (const { stream, how } of both) {
    test(`a text comes back ${how}, byte for byte, with the tokens that the provider counted`, async (t) => {
      const question = `Please recite. ${says(verse)}`;
      const answer = await adapter.ask(t, question, { stream });

      assert.equal(answer.text, verse);
      assert.equal(answer.model, t.model);
      assert.deepEqual(answer.usage, { in: adapter.promptTokens(question), out: tokens(verse), cached: 0 });
    });

    test(`a mapped model keeps the name that the client knows (${how})`, { mapped: true }, async (t) => {
      const answer = await adapter.ask(t, 'Who are you?', { stream });

      assert.equal(answer.model, t.model);
      assert.equal(answer.text, `You said: Who are you? (model ${t.upstream})`);
    });

    test(`a compatible account answers as well (${how})`, { compatible: true }, async (t) => {
      assert.equal((await adapter.ask(t, says('Quite so.'), { stream })).text, 'Quite so.');
    });

    test(`a prompt of 600 KB arrives as it was written (${how})`, async (t) => {
      const long = '"Zwölf" \\ 水 🌊 \u0001\u2028'.repeat(25_000);
      const answer = await adapter.ask(t, `${long} [[sim:text=Read.]]`, { stream });

      assert.equal(answer.text, 'Read.');
    });

    test(`an answer of 512 KB comes back ${how}`, async (t) => {
      assert.equal((await adapter.ask(t, '[[sim:big=512]]', { stream })).text.length, 512 * 1024);
    });

    test(`tokens read from the provider's cache are told (${how})`, async (t) => {
      const question = `${'The same long prompt as before. '.repeat(400)} [[sim:text=Yes.]]`;
      const first = await adapter.ask(t, question, { stream, cache: true });
      const second = await adapter.ask(t, question, { stream, cache: true });

      assert.equal(first.usage.cached, 0);
      assert.equal(second.usage.cached, adapter.promptTokens(question));
    });
  }

  for (const words of ['split=7', 'comments=2', 'eol=lf', 'eol=crlf', 'eol=cr', 'framing=close', 'events=2000'])
    test(`a stream with ${words} is read by the SDK`, async (t) => {
      const block = words.startsWith('events') ? `[[sim:${words}]]` : `[[sim:text="one two three four" ${words}]]`;
      const answer = await adapter.ask(t, block, { stream: true });

      assert.equal(answer.text.length, words.startsWith('events') ? 2000 * 24 : 18);
    });
}

// Faults that another account makes good, and the client sees nothing of.
const mended = [
  { fault: 'status=500', what: 'a 500' },
  { fault: 'error=rate_limit retry-after=30', what: 'a 429' },
  { fault: 'error=quota', what: 'a used-up quota' },
  { fault: 'error=key', what: 'a refused key' },
  { fault: 'error=forbidden', what: 'a 403' },
  { fault: 'garbage=html', what: 'a page of HTML', attempts: 3 }, // a 503: its account is asked a second time
  { fault: 'garbage=json', what: 'broken JSON' },
  { fault: 'garbage=http', what: 'bytes that are no HTTP' },
  { fault: 'error-event error=server', what: 'an error inside a 200' },
  { fault: 'error-event=handshake error=server', what: 'an error behind the first events', only: true },
  { fault: 'empty-stream', what: 'an empty stream', only: true },
  { fault: 'cut=100', what: 'a cut before content', only: true },
];

function failoverCases(test, adapter) {
  for (const { stream, how } of both)
    for (const { fault, what, only, attempts = 2 } of mended) {
      if (only && !stream) continue;
      test(`${what} is made good by another account (${how})`, { accounts: 2 }, async (t) => {
        await t.rules(0, fault);
        const answer = await adapter.ask(t, says('From the other one.'), { stream });
        const call = t.calls.at(-1);

        assert.equal(answer.text, 'From the other one.');
        assert.equal(call.attempts, attempts);
        assert.equal(call.headers.get('x-account-email'), t.accounts[1].label);
      });
    }
}

function errorCases(test, adapter) {
  for (const { stream, how } of both) {
    test(`a 400 of the provider is shown in its own words (${how})`, { accounts: 2 }, async (t) => {
      const error = await failure(adapter.ask(t, '[[sim:error=request message="The bolt is loose."]]', { stream }));

      assert(adapter.isError(error, 'request'), String(error));
      assert.equal(error.status, 400);
      assert.match(error.message, /The bolt is loose\./);
      assert.equal(t.calls.at(-1).attempts, 1, 'no other account is asked');
    });

    test(`when every account is at its limit, it is a 429 that says when to come back (${how})`, { accounts: 2 }, async (t) => {
      const error = await failure(adapter.ask(t, '[[sim:error=rate_limit retry-after=30]]', { stream }));
      const call = t.calls.at(-1);

      assert(adapter.isError(error, 'rate'), String(error));
      assert.equal(error.status, 429);
      assert.equal(call.attempts, 2);
      const seconds = Number(call.headers.get('retry-after'));
      assert(Number.isInteger(seconds) && seconds >= 1 && seconds <= 30, `retry-after: ${seconds}`);
    });

    test(`a key that the provider refuses is our trouble and not the client's: 503, not 401 (${how})`, async (t) => {
      const error = await failure(adapter.ask(t, '[[sim:error=key]]', { stream }));

      assert(adapter.isError(error, 'server'), String(error));
      assert.equal(error.status, 503);
      assert(!error.message.includes(t.accounts[0].key));
    });

    test(`an overloaded provider is shown as overloaded (${how})`, async (t) => {
      const error = await failure(adapter.ask(t, '[[sim:error=overloaded]]', { stream }));

      assert(adapter.isError(error, 'overloaded'), String(error));
      assert.equal(error.status, adapter.overloadedStatus);
    });

    test(`a provider that fails is a server error (${how})`, async (t) => {
      const error = await failure(adapter.ask(t, '[[sim:status=500 message="Lost my head."]]', { stream }));

      assert(adapter.isError(error, 'server'), String(error));
      assert(error.status >= 500 && error.status <= 504, `status ${error.status}`);
    });

    test(`a model that nobody offers is a 400 that names it and one that is near (${how})`, async (t) => {
      const known = t.model;
      t.model = `${known}x`;
      const error = await failure(adapter.ask(t, 'Hello?', { stream }));

      assert(adapter.isError(error, 'request'), String(error));
      assert.equal(error.status, 400);
      assert(error.message.includes(t.model), error.message);
      assert.match(error.message, new RegExp(`\\b${known}\\b`));
      assert.equal(t.calls.at(-1).attempts, 0);
    });

    test(`a wrong client key is a 401 and goes nowhere (${how})`, async (t) => {
      const error = await failure(adapter.ask(t, 'Hello?', { stream, key: 'some-other-key' }));

      assert(adapter.isError(error, 'key'), String(error));
      assert.equal(error.status, 401);
      assert.deepEqual(await t.records(), []);
    });
  }

  test('the SDK tries again when it is told to, and is served', async (t) => {
    await t.rules(0, 'error=rate_limit retry-after=3 times=1');
    const answer = await adapter.ask(t, says('Now there is room.'), { stream: false, retries: 4 });

    assert.equal(answer.text, 'Now there is room.');
    assert(t.calls.length >= 2);
    assert.equal(t.calls[0].status, 429);
  });
}

function brokenStreamCases(test, adapter) {
  const broken = [
    { words: 'cut=4000', what: 'cut' },
    { words: 'reset=4000', what: 'reset' },
    { words: 'no-terminator', what: 'without an end' },
    { words: 'error-event=content error=server', what: 'with an error in the middle' },
    { words: 'error-event=content error=overloaded', what: 'that is overloaded in the middle' },
  ];
  for (const { words, what } of broken)
    test(`a stream ${what} behind its content is an error, and is not repeated`, { accounts: 2 }, async (t) => {
      const got = [];
      const error = await failure(
        (async () => {
          for await (const piece of adapter.pieces(t, `[[sim:events=100 ${words}]]`)) got.push(piece.text);
        })(),
      );

      assert(adapter.isError(error, 'broken'), String(error));
      assert(got.join('').length > 0, 'the text before the fault has come through');
      assert.equal((await t.records()).length, 1);
      await t.health();
    });
}

function abortCases(test, adapter) {
  test('a client that leaves in the middle of a stream ends the call upstream', async (t) => {
    const leave = new AbortController();
    const got = [];
    try {
      for await (const piece of adapter.pieces(t, '[[sim:events=2000 gap=20]]', { signal: leave.signal })) {
        got.push(piece.text);
        if (got.length === 3) leave.abort();
      }
    } catch (error) {
      assert(leave.signal.aborted, String(error)); // some SDKs throw then, some just end
    }
    const [record] = await t.recordsUntil(([r]) => r?.aborted);

    assert.equal(record.state, 'aborted');
    assert(record.sent_bytes > 0);
    await t.health();
    assert.equal((await adapter.ask(t, says('Still here.'), { stream: true })).text, 'Still here.');
  });

  for (const { stream, how } of both)
    test(`a client that leaves before the answer ends the call upstream (${how})`, async (t) => {
      const leave = new AbortController();
      const answer = failure(adapter.ask(t, '[[sim:stall=head]]', { stream, signal: leave.signal }));
      await t.recordsUntil((records) => records.length === 1);
      leave.abort();
      await answer;
      await t.recordsUntil(([r]) => r.aborted);

      await t.health();
      assert.equal((await adapter.ask(t, says('Still here.'), { stream })).text, 'Still here.');
    });
}

export function commonCases(test, adapter) {
  answerCases(test, adapter);
  failoverCases(test, adapter);
  errorCases(test, adapter);
  brokenStreamCases(test, adapter);
  abortCases(test, adapter);
}
