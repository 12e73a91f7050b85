// Messages with the `@anthropic-ai/sdk`.
import assert from 'node:assert/strict';

import Anthropic from '@anthropic-ai/sdk';

import { commonCases } from './common.mjs';
import { CLIENT_KEY, failure, pixel, pixelBytes, suite, tokens, weatherSchema } from './harness.mjs';

const test = suite({ prefix: 'anthropic', wire: 'anthropic', provider: 'anthropic' });

function client(t, { key = CLIENT_KEY, retries = 0 } = {}) {
  return new Anthropic({ apiKey: key, baseURL: t.gateway, maxRetries: retries, fetch: t.fetch });
}

async function message(t, body, { stream, signal, ...options } = {}) {
  const { messages } = client(t, options);
  const request = { model: t.model, max_tokens: 400_000, ...body };
  // the SDK refuses to wait for long answers without a stream, unless it is told for how long
  if (!stream) return messages.create(request, { signal, timeout: 60_000 });
  return messages.stream(request, { signal }).finalMessage();
}

const textOf = ({ content }) =>
  content
    .filter((block) => block.type === 'text')
    .map((block) => block.text)
    .join('');

const adapter = {
  overloadedStatus: 529,
  promptTokens: (text) => tokens(text),

  async ask(t, text, options) {
    const block = { type: 'text', text, cache_control: { type: 'ephemeral' } };
    const body = { messages: [{ role: 'user', content: options.cache ? [block] : text }] };
    const answer = await message(t, body, options);
    const { usage } = answer;
    return {
      text: textOf(answer),
      model: answer.model,
      usage: {
        in: usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens,
        out: usage.output_tokens,
        cached: usage.cache_read_input_tokens,
      },
    };
  },

  async *pieces(t, text, { signal } = {}) {
    const body = { model: t.model, max_tokens: 64_000, messages: [{ role: 'user', content: text }], stream: true };
    for await (const event of await client(t).messages.create(body, { signal }))
      if (event.type === 'content_block_delta') yield { text: event.delta.text };
  },

  isError(error, kind) {
    const classes = {
      request: Anthropic.BadRequestError,
      key: Anthropic.AuthenticationError,
      rate: Anthropic.RateLimitError,
      overloaded: Anthropic.InternalServerError,
      server: Anthropic.InternalServerError,
      broken: Anthropic.APIError,
    };
    return error instanceof classes[kind];
  },
};

commonCases(test, adapter);

const tool = { name: 'get_weather', description: 'The weather of a city', input_schema: weatherSchema };
const clock = { name: 'get_time', input_schema: { type: 'object', properties: {} } };

for (const stream of [false, true]) {
  const how = stream ? 'streamed' : 'whole';

  test(`several turns with system texts, one of them in the middle (${how})`, async (t) => {
    const body = {
      system: [
        { type: 'text', text: 'Be brief.' },
        { type: 'text', text: 'Never shout.', cache_control: { type: 'ephemeral' } },
      ],
      messages: [
        { role: 'user', content: 'One?' },
        { role: 'assistant', content: [{ type: 'text', text: 'Two.' }] },
        { role: 'system', content: 'Now in prose.' },
        { role: 'user', content: [{ type: 'text', text: 'Three?' }] },
      ],
      metadata: { user_id: '{"session_id":"5f1c"}' },
    };
    const answer = await message(t, body, { stream });

    assert.equal(textOf(answer), `You said: Three? (model ${t.upstream})`);
    assert.equal(answer.stop_reason, 'end_turn');
    assert.equal(
      answer.usage.input_tokens,
      tokens('Be brief.', 'Never shout.', 'One?', 'Two.', 'Now in prose.', 'Three?'),
    );
  });

  test(`a tool is called, and its result goes back (${how})`, async (t) => {
    const messages = [{ role: 'user', content: 'Weather? [[sim:tool=get_weather args={"city":"Ålesund","days":2}]]' }];
    const first = await message(t, { messages, tools: [tool, clock] }, { stream });
    const [call] = first.content;

    assert.equal(first.stop_reason, 'tool_use');
    assert.equal(call.name, 'get_weather');
    assert.deepEqual(call.input, { city: 'Ålesund', days: 2 });

    messages.push(
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'rain, 7 °C' }] },
    );
    const second = await message(t, { messages, tools: [tool, clock] }, { stream });

    assert.match(textOf(second), /^The tool get_weather answered: rain, 7 °C/);
    assert.equal(second.stop_reason, 'end_turn');
  });

  test(`tools are called side by side, behind a text, and all results go back (${how})`, async (t) => {
    const content =
      '[[sim:text="Let me see." tool=get_weather args={"city":"Oslo"} tool=get_time tool=get_weather args={"city":"Rome"}]]';
    const messages = [{ role: 'user', content }];
    const first = await message(t, { messages, tools: [tool, clock] }, { stream });
    const calls = first.content.filter((block) => block.type === 'tool_use');

    assert.equal(textOf(first), 'Let me see.');
    assert.deepEqual(
      calls.map((c) => [c.name, c.input]),
      [
        ['get_weather', { city: 'Oslo' }],
        ['get_time', {}],
        ['get_weather', { city: 'Rome' }],
      ],
    );
    const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } };
    const results = calls.map((c, i) => ({
      type: 'tool_result',
      tool_use_id: c.id,
      content: i === 0 ? [{ type: 'text', text: 'sun' }, picture] : [{ type: 'text', text: `result ${i}` }],
      is_error: i === 1,
    }));
    messages.push({ role: 'assistant', content: first.content }, { role: 'user', content: results });
    const second = await message(t, { messages, tools: [tool, clock] }, { stream });

    assert.match(textOf(second), /get_weather answered: sun .*get_time answered: result 1 .*answered: result 2.*1 image/);
  });

  test(`a tool that must be called is called with arguments that fit (${how})`, async (t) => {
    const body = {
      messages: [{ role: 'user', content: 'Weather?' }],
      tools: [clock, tool],
      tool_choice: { type: 'tool', name: 'get_weather', disable_parallel_tool_use: true },
    };
    const { content } = await message(t, body, { stream });

    assert.equal(content[0].name, 'get_weather');
    assert.equal(typeof content[0].input.city, 'string');
  });

  test(`an image arrives (${how})`, async (t) => {
    const content = [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } },
      { type: 'text', text: 'What is this?' },
    ];
    const answer = await message(t, { messages: [{ role: 'user', content }] }, { stream });

    assert.match(textOf(answer), new RegExp(`\\[1 image, ${pixelBytes} bytes\\]`));
  });

  test(`thinking comes signed, and goes back as it came (${how})`, async (t) => {
    const thinking = { type: 'enabled', budget_tokens: 2048 };
    const messages = [{ role: 'user', content: '[[sim:think="Eight and eight." text=Sixteen.]]' }];
    const first = await message(t, { messages, thinking }, { stream });
    const [thought, text] = first.content;

    assert.equal(thought.thinking, 'Eight and eight.');
    assert(thought.signature.length > 20);
    assert.equal(text.text, 'Sixteen.');
    assert.equal(first.usage.output_tokens, tokens('Eight and eight.', 'Sixteen.'));
    assert.equal(first.usage.output_tokens_details.thinking_tokens, tokens('Eight and eight.'));

    messages.push({ role: 'assistant', content: first.content }, { role: 'user', content: 'Go on. [[sim:text=Next.]]' });
    assert.equal(textOf(await message(t, { messages, thinking }, { stream })), 'Next.');
    assert(t.calls[1].body.includes(JSON.stringify(thought.signature)));
  });

  test(`thinking that is not to be shown still comes signed (${how})`, async (t) => {
    const body = {
      messages: [{ role: 'user', content: '[[sim:think text=Done.]]' }],
      thinking: { type: 'adaptive', display: 'omitted' },
      output_config: { effort: 'high' },
    };
    const { content } = await message(t, body, { stream });

    assert.equal(content[0].thinking, '');
    assert(content[0].signature.length > 20);
    assert.equal(content[1].text, 'Done.');
  });

  test(`an answer keeps to a schema (${how})`, async (t) => {
    const body = {
      messages: [{ role: 'user', content: 'As JSON, please.' }],
      output_config: { format: { type: 'json_schema', schema: weatherSchema } },
    };

    assert.equal(typeof JSON.parse(textOf(await message(t, body, { stream }))).city, 'string');
  });

  test(`an answer ends at a stop sequence, which is named (${how})`, async (t) => {
    const messages = [{ role: 'user', content: '[[sim:text="one two STOP three"]]' }];
    const answer = await message(t, { messages, stop_sequences: ['never', 'STOP'] }, { stream });

    assert.equal(textOf(answer), 'one two ');
    assert.equal(answer.stop_reason, 'stop_sequence');
    assert.equal(answer.stop_sequence, 'STOP');
  });

  test(`a limit of tokens cuts the answer (${how})`, async (t) => {
    const messages = [{ role: 'user', content: '[[sim:words=100]]' }];
    const answer = await message(t, { messages, max_tokens: 5 }, { stream });

    assert.equal(answer.stop_reason, 'max_tokens');
    assert.equal(answer.usage.output_tokens, 5);
  });

  test(`a refusal says so (${how})`, async (t) => {
    const messages = [{ role: 'user', content: '[[sim:refuse text="I would rather not."]]' }];
    const answer = await message(t, { messages }, { stream });

    assert.equal(answer.stop_reason, 'refusal');
    assert.equal(textOf(answer), 'I would rather not.');
  });

  test(`the beta endpoint and its flags pass (${how})`, async (t) => {
    const request = {
      model: t.model,
      max_tokens: 100,
      messages: [{ role: 'user', content: '[[sim:text=Beta.]]' }],
      betas: ['context-1m-2025-08-07', 'some-flag-2026-01-01'],
    };
    const { messages } = client(t).beta;
    const answer = stream ? await messages.stream(request).finalMessage() : await messages.create(request);

    assert.equal(textOf(answer), 'Beta.');
    assert.match(t.calls[0].sent.get('anthropic-beta'), /some-flag-2026-01-01/); // that it arrives, the oracle sees
  });
}

test('errors carry the id of the request', async (t) => {
  const error = await failure(adapter.ask(t, '[[sim:error=request]]', { stream: false }));

  assert.equal(error.requestID, t.calls[0].headers.get('x-request-id'));
  assert.equal(error.error.type, 'error');
  assert.equal(error.error.error.type, 'invalid_request_error');
});

test('an overloaded provider is an OverloadedError', async (t) => {
  const error = await failure(adapter.ask(t, '[[sim:error=overloaded]]', { stream: false }));

  assert.equal(error.error.error.type, 'overloaded_error');
});

test('the list of models has ours, over all its pages, and each can be asked for', { mapped: true }, async (t) => {
  const found = new Map();
  for await (const model of client(t).models.list({ limit: 50 })) {
    assert(!found.has(model.id), `${model.id} came twice`);
    found.set(model.id, model);
  }

  assert.equal(found.get(t.upstream)?.type, 'model');
  assert(found.has(t.model));
  assert(t.calls.length >= found.size / 50, 'a page held more than it should');
  assert.equal((await client(t).models.retrieve(t.upstream)).id, t.upstream);
});

test('a model that is not in the list is a 404', async (t) => {
  const error = await failure(client(t).models.retrieve('sim-nobody'));

  assert(error instanceof Anthropic.NotFoundError, String(error));
  assert.match(error.message, /sim-nobody/);
});
