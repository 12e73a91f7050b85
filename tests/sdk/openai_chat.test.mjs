// Chat Completions with the `openai` SDK.
import assert from 'node:assert/strict';

import OpenAI from 'openai';

import { commonCases } from './common.mjs';
import { CLIENT_KEY, failure, pixel, pixelBytes, suite, tokens, weatherSchema } from './harness.mjs';

const test = suite({ prefix: 'chat', wire: 'openai-chat', provider: 'openai' });

function client(t, { key = CLIENT_KEY, retries = 0 } = {}) {
  return new OpenAI({ apiKey: key, baseURL: `${t.gateway}/v1`, maxRetries: retries, fetch: t.fetch });
}

// The whole completion, by either way: the SDK's own gathering is part of the test.
async function complete(t, body, { stream, signal, ...options } = {}) {
  const { completions } = client(t, options).chat;
  if (!stream) return completions.create({ model: t.model, ...body }, { signal });
  return completions.stream({ model: t.model, ...body }, { signal }).finalChatCompletion();
}

const withUsage = { stream_options: { include_usage: true } };

const adapter = {
  overloadedStatus: 503,
  promptTokens: (text) => tokens(text),

  async ask(t, text, options) {
    const body = { messages: [{ role: 'user', content: text }], ...(options.stream ? withUsage : {}) };
    const { choices, model, usage } = await complete(t, body, options);
    return {
      text: choices[0].message.content,
      model,
      usage: {
        in: usage.prompt_tokens,
        out: usage.completion_tokens,
        cached: usage.prompt_tokens_details.cached_tokens,
      },
    };
  },

  async *pieces(t, text, { signal } = {}) {
    const body = { model: t.model, messages: [{ role: 'user', content: text }], stream: true };
    for await (const chunk of await client(t).chat.completions.create(body, { signal }))
      if (chunk.choices[0]?.delta.content) yield { text: chunk.choices[0].delta.content };
  },

  isError(error, kind) {
    const classes = {
      request: OpenAI.BadRequestError,
      key: OpenAI.AuthenticationError,
      rate: OpenAI.RateLimitError,
      overloaded: OpenAI.InternalServerError,
      server: OpenAI.InternalServerError,
      broken: OpenAI.APIError,
    };
    return error instanceof classes[kind];
  },
};

commonCases(test, adapter);

const tool = {
  type: 'function',
  function: { name: 'get_weather', description: 'The weather of a city', parameters: weatherSchema },
};
const clock = { type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } };

for (const stream of [false, true]) {
  const how = stream ? 'streamed' : 'whole';

  test(`several turns with a system text (${how})`, async (t) => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: 'Two.' },
      { role: 'developer', content: [{ type: 'text', text: 'Now louder.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Three?' }] },
    ];
    const { choices } = await complete(t, { messages, temperature: 0.1, metadata: { a: 'b' } }, { stream });

    assert.equal(choices[0].message.content, `You said: Three? (model ${t.upstream})`);
    assert.equal(choices[0].message.role, 'assistant');
    assert.equal(choices[0].finish_reason, 'stop');
  });

  test(`a tool is called, and its result goes back (${how})`, async (t) => {
    const messages = [{ role: 'user', content: 'Weather? [[sim:tool=get_weather args={"city":"Ålesund","days":2}]]' }];
    const first = (await complete(t, { messages, tools: [tool, clock] }, { stream })).choices[0];
    const [call] = first.message.tool_calls;

    assert.equal(first.finish_reason, 'tool_calls');
    assert.equal(first.message.tool_calls.length, 1);
    assert.equal(call.type, 'function');
    assert.equal(call.function.name, 'get_weather');
    assert.equal(call.function.arguments, '{"city":"Ålesund","days":2}');

    const { parsed, ...said } = first.message;
    messages.push(said, { role: 'tool', tool_call_id: call.id, content: 'rain, 7 °C' });
    const second = (await complete(t, { messages, tools: [tool, clock] }, { stream })).choices[0];

    assert.match(second.message.content, /^The tool get_weather answered: rain, 7 °C/);
    assert.equal(second.finish_reason, 'stop');
  });

  test(`tools are called side by side, behind a text (${how})`, async (t) => {
    const content =
      '[[sim:text="Let me see." tool=get_weather args={"city":"Oslo"} tool=get_time tool=get_weather args={"city":"Rome"}]]';
    const body = { messages: [{ role: 'user', content }], tools: [tool, clock], parallel_tool_calls: true };
    const { message } = (await complete(t, body, { stream })).choices[0];

    assert.equal(message.content, 'Let me see.');
    assert.deepEqual(
      message.tool_calls.map((c) => [c.function.name, c.function.arguments]),
      [
        ['get_weather', '{"city":"Oslo"}'],
        ['get_time', '{}'],
        ['get_weather', '{"city":"Rome"}'],
      ],
    );
    assert.equal(new Set(message.tool_calls.map((c) => c.id)).size, 3);
  });

  test(`a tool that must be called is called with arguments that fit (${how})`, async (t) => {
    const body = {
      messages: [{ role: 'user', content: 'Weather?' }],
      tools: [clock, tool],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
    };
    const { message } = (await complete(t, body, { stream })).choices[0];

    assert.equal(message.tool_calls[0].function.name, 'get_weather');
    assert.equal(typeof JSON.parse(message.tool_calls[0].function.arguments).city, 'string');
  });

  test(`an image arrives (${how})`, async (t) => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}`, detail: 'low' } },
    ];
    const { choices } = await complete(t, { messages: [{ role: 'user', content }] }, { stream });

    assert.match(choices[0].message.content, new RegExp(`\\[1 image, ${pixelBytes} bytes\\]`));
  });

  test(`thoughts come in a field of their own, and are counted (${how})`, async (t) => {
    const messages = [{ role: 'user', content: '[[sim:think="Eight and eight." text=Sixteen.]]' }];
    const body = { messages, reasoning_effort: 'high', ...(stream ? withUsage : {}) };
    const { usage, choices } = await complete(t, body, { stream });

    assert.equal(choices[0].message.content, 'Sixteen.');
    assert.match(t.calls[0].received, /"reasoning_content":/);
    assert.equal(usage.completion_tokens_details.reasoning_tokens, tokens('Eight and eight.'));
    assert.equal(usage.completion_tokens, tokens('Eight and eight.', 'Sixteen.'));
  });

  test(`an answer keeps to a schema (${how})`, async (t) => {
    const response_format = {
      type: 'json_schema',
      json_schema: { name: 'weather', strict: true, schema: weatherSchema },
    };
    const body = { messages: [{ role: 'user', content: 'As JSON, please.' }], response_format };
    const { content } = (await complete(t, body, { stream })).choices[0].message;

    assert.equal(typeof JSON.parse(content).city, 'string');
  });

  test(`an answer ends at a stop sequence (${how})`, async (t) => {
    const messages = [{ role: 'user', content: '[[sim:text="one two STOP three"]]' }];
    const [choice] = (await complete(t, { messages, stop: ['never', 'STOP'] }, { stream })).choices;

    assert.equal(choice.message.content, 'one two ');
    assert.equal(choice.finish_reason, 'stop');
  });

  test(`a limit of tokens cuts the answer (${how})`, async (t) => {
    const body = { messages: [{ role: 'user', content: '[[sim:words=100]]' }], max_completion_tokens: 5 };
    const request = client(t).chat.completions;
    if (!stream) {
      const { choices, usage } = await request.create({ model: t.model, ...body });
      assert.equal(choices[0].finish_reason, 'length');
      assert.equal(usage.completion_tokens, 5);
      return;
    }
    let last;
    for await (const chunk of await request.create({ model: t.model, ...body, stream: true })) last = chunk;
    assert.equal(last.choices[0].finish_reason, 'length', 'the last chunk is no usage chunk: nobody asked for it');
  });

  test(`a refusal comes as a refusal (${how})`, async (t) => {
    const messages = [{ role: 'user', content: '[[sim:refuse text="I would rather not."]]' }];
    const { message } = (await complete(t, { messages }, { stream })).choices[0];

    assert.equal(message.refusal, 'I would rather not.');
    assert.equal(message.content ?? '', '');
  });

  test(`two choices at once (${how})`, async (t) => {
    const { choices } = await complete(t, { messages: [{ role: 'user', content: '[[sim:text=Twice]]' }], n: 2 }, { stream });

    assert.deepEqual(choices.map((c) => [c.index, c.message.content]), [[0, 'Twice'], [1, 'Twice']]);
  });
}

for (const options of [undefined, { include_obfuscation: false }, { include_usage: false }, { include_usage: true }])
  test(`the usage chunk comes only when it is asked for: ${JSON.stringify(options) ?? 'no options'}`, async (t) => {
    const body = { model: t.model, messages: [{ role: 'user', content: '[[sim:text=Yes]]' }], stream: true };
    const chunks = [];
    const stream = await client(t).chat.completions.create({ ...body, ...(options ? { stream_options: options } : {}) });
    for await (const chunk of stream) chunks.push(chunk);
    const usages = chunks.filter((chunk) => chunk.usage);

    assert.equal(usages.length, options?.include_usage === true ? 1 : 0);
    if (usages.length > 0) assert.equal(usages[0].usage.total_tokens, tokens(body.messages[0].content, 'Yes'));
  });

test('the list of models has ours, mapped names too, and each can be asked for', { mapped: true }, async (t) => {
  const found = new Map();
  for await (const model of client(t).models.list()) found.set(model.id, model);

  assert.equal(found.get(t.upstream)?.object, 'model');
  assert.equal(found.get(t.upstream)?.owned_by, 'openai');
  assert(found.has(t.model));
  assert.equal((await client(t).models.retrieve(t.upstream)).id, t.upstream);
});

test('a model that is not in the list is a 404', async (t) => {
  const error = await failure(client(t).models.retrieve('sim-nobody'));

  assert(error instanceof OpenAI.NotFoundError, String(error));
  assert.match(error.message, /sim-nobody/);
});

test('a path that does not exist is a 404 in the form of OpenAI', async (t) => {
  const error = await failure(client(t).get('/fine-tuning/nowhere'));

  assert(error instanceof OpenAI.NotFoundError, String(error));
  assert.equal(error.type, 'invalid_request_error');
});
