// Responses with the `openai` SDK.
import assert from 'node:assert/strict';

import OpenAI from 'openai';

import { commonCases } from './common.mjs';
import { CLIENT_KEY, failure, pixel, pixelBytes, suite, tokens, weatherSchema } from './harness.mjs';

const test = suite({ prefix: 'responses', wire: 'openai-responses', provider: 'openai' });

class StreamFailed extends Error {}

function client(t, { key = CLIENT_KEY, retries = 0 } = {}) {
  return new OpenAI({ apiKey: key, baseURL: `${t.gateway}/v1`, maxRetries: retries, fetch: t.fetch });
}

async function respond(t, body, { stream, signal, ...options } = {}) {
  const { responses } = client(t, options);
  if (!stream) return responses.create({ model: t.model, ...body }, { signal });
  const response = await responses.stream({ model: t.model, ...body }, { signal }).finalResponse();
  if (response.status === 'failed') throw new StreamFailed(response.error.message);
  return response;
}

const textOf = (response) =>
  response.output
    .filter((item) => item.type === 'message')
    .flatMap((item) => item.content)
    .map((part) => part.text ?? '')
    .join('');

const adapter = {
  overloadedStatus: 503,
  promptTokens: (text) => tokens(text),

  async ask(t, text, options) {
    const response = await respond(t, { input: text, store: false }, options);
    const { usage } = response;
    return {
      text: textOf(response),
      model: response.model,
      usage: { in: usage.input_tokens, out: usage.output_tokens, cached: usage.input_tokens_details.cached_tokens },
    };
  },

  // The SDK hands the event of a failure on like any other; whoever reads events must look at it.
  async *pieces(t, text, { signal } = {}) {
    const events = await client(t).responses.create({ model: t.model, input: text, stream: true }, { signal });
    for await (const event of events) {
      if (event.type === 'response.output_text.delta') yield { text: event.delta };
      if (event.type === 'response.failed') throw new StreamFailed(event.response.error.message);
    }
  },

  isError(error, kind) {
    const classes = {
      request: OpenAI.BadRequestError,
      key: OpenAI.AuthenticationError,
      rate: OpenAI.RateLimitError,
      overloaded: OpenAI.InternalServerError,
      server: OpenAI.InternalServerError,
      broken: StreamFailed,
    };
    return error instanceof classes[kind];
  },
};

commonCases(test, adapter);

const tool = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: weatherSchema,
  strict: false,
};
const clock = { type: 'function', name: 'get_time', parameters: { type: 'object', properties: {} }, strict: false };

// Items as they go back: the SDK adds members of its own to them.
const back = (output) => output.map(({ parsed, parsed_arguments, ...item }) => item);

for (const stream of [false, true]) {
  const how = stream ? 'streamed' : 'whole';

  test(`several turns with instructions (${how})`, async (t) => {
    const input = [
      { role: 'developer', content: 'Never shout.' },
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: 'Two.' },
      { role: 'user', content: [{ type: 'input_text', text: 'Three?' }] },
    ];
    const body = { input, instructions: 'Be brief.', metadata: { a: 'b' }, prompt_cache_key: 'k' };
    const response = await respond(t, body, { stream });

    assert.equal(textOf(response), `You said: Three? (model ${t.upstream})`);
    assert.equal(response.status, 'completed');
    assert.equal(response.instructions, 'Be brief.');
    assert.equal(response.usage.input_tokens, tokens('Be brief.', 'Never shout.', 'One?', 'Two.', 'Three?'));
  });

  test(`a tool is called, and its result goes back (${how})`, async (t) => {
    const input = [{ role: 'user', content: 'Weather? [[sim:tool=get_weather args={"city":"Ålesund","days":2}]]' }];
    const first = await respond(t, { input, tools: [tool, clock] }, { stream });
    const [call] = first.output;

    assert.deepEqual(first.output.map((item) => item.type), ['function_call']);
    assert.equal(call.name, 'get_weather');
    assert.equal(call.arguments, '{"city":"Ålesund","days":2}');

    input.push(...back(first.output), { type: 'function_call_output', call_id: call.call_id, output: 'rain, 7 °C' });
    const second = await respond(t, { input, tools: [tool, clock] }, { stream });

    assert.match(textOf(second), /^The tool get_weather answered: rain, 7 °C/);
  });

  test(`tools are called side by side, behind a text (${how})`, async (t) => {
    const input =
      '[[sim:text="Let me see." tool=get_weather args={"city":"Oslo"} tool=get_time tool=get_weather args={"city":"Rome"}]]';
    const response = await respond(t, { input, tools: [tool, clock], parallel_tool_calls: true }, { stream });
    const calls = response.output.filter((item) => item.type === 'function_call');

    assert.equal(textOf(response), 'Let me see.');
    assert.deepEqual(
      calls.map((c) => [c.name, c.arguments]),
      [
        ['get_weather', '{"city":"Oslo"}'],
        ['get_time', '{}'],
        ['get_weather', '{"city":"Rome"}'],
      ],
    );
    assert.equal(new Set(calls.map((c) => c.call_id)).size, 3);
  });

  test(`a tool with free text is called, beside tools that only Codex has (${how})`, async (t) => {
    const tools = [
      { type: 'custom', name: 'apply_patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: /.+/' } },
      { type: 'web_search' },
      { type: 'namespace', name: 'files', description: 'Files', tools: [{ ...clock, name: 'read' }] },
    ];
    const input = [{ role: 'user', content: '[[sim:tool=apply_patch args="*** Begin\\n+ ä"]]' }];
    const first = await respond(t, { input, tools }, { stream });
    const [call] = first.output;

    assert.equal(call.type, 'custom_tool_call');
    assert.equal(call.input, '*** Begin\n+ ä');

    input.push(...back(first.output), { type: 'custom_tool_call_output', call_id: call.call_id, output: 'done' });
    assert.match(textOf(await respond(t, { input, tools }, { stream })), /^The tool apply_patch answered: done/);
  });

  test(`an image arrives (${how})`, async (t) => {
    const content = [
      { type: 'input_text', text: 'What is this?' },
      { type: 'input_image', image_url: `data:image/png;base64,${pixel}`, detail: 'auto' },
    ];
    const response = await respond(t, { input: [{ role: 'user', content }] }, { stream });

    assert.match(textOf(response), new RegExp(`\\[1 image, ${pixelBytes} bytes\\]`));
  });

  test(`reasoning comes as an item, and goes back sealed as it came (${how})`, async (t) => {
    const input = [{ role: 'user', content: '[[sim:think="Eight and eight." text=Sixteen.]]' }];
    const body = {
      store: false,
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'high', summary: 'auto' },
    };
    const first = await respond(t, { ...body, input }, { stream });
    const [reasoning] = first.output;

    assert.deepEqual(first.output.map((item) => item.type), ['reasoning', 'message']);
    assert.equal(reasoning.summary[0].text, 'Eight and eight.');
    assert.match(reasoning.encrypted_content, /^gAAAA/);
    assert.equal(first.usage.output_tokens_details.reasoning_tokens, tokens('Eight and eight.'));

    input.push(...back(first.output), { role: 'user', content: 'Go on. [[sim:text=Seventeen.]]' });
    assert.equal(textOf(await respond(t, { ...body, input }, { stream })), 'Seventeen.');
    assert(t.calls[1].body.includes(reasoning.encrypted_content));
  });

  test(`an answer keeps to a schema (${how})`, async (t) => {
    const text = { format: { type: 'json_schema', name: 'weather', strict: true, schema: weatherSchema } };
    const response = await respond(t, { input: 'As JSON, please.', text }, { stream });

    assert.equal(typeof JSON.parse(textOf(response)).city, 'string');
  });

  test(`a limit of tokens makes the answer incomplete (${how})`, async (t) => {
    const response = await respond(t, { input: '[[sim:words=100]]', max_output_tokens: 5 }, { stream });

    assert.equal(response.status, 'incomplete');
    assert.equal(response.incomplete_details.reason, 'max_output_tokens');
    assert.equal(response.usage.output_tokens, 5);
    assert.equal(response.usage.total_tokens, 5 + tokens('[[sim:words=100]]'));
  });

  test(`a refusal comes as a refusal (${how})`, async (t) => {
    const response = await respond(t, { input: '[[sim:refuse text="I would rather not."]]' }, { stream });

    const [part] = response.output[0].content;

    assert.equal(part.type, 'refusal');
    assert.equal(part.refusal, 'I would rather not.');
  });

  test(`an answer without anything in it is an answer (${how})`, async (t) => {
    const response = await respond(t, { input: '[[sim:empty]]' }, { stream });

    assert.equal(response.status, 'completed');
    assert.deepEqual(response.output, []);
  });
}

test('events come in order, each numbered once', async (t) => {
  const body = { model: t.model, input: '[[sim:think=Hm text="One two three four five six seven"]]', stream: true };
  const numbers = [];
  const types = [];
  for await (const event of await client(t).responses.create(body)) {
    numbers.push(event.sequence_number);
    types.push(event.type);
  }

  assert.deepEqual(numbers, numbers.map((_, i) => i));
  assert.equal(types[0], 'response.created');
  assert.equal(types.at(-1), 'response.completed');
});

test('a response that nobody stored is a 404', async (t) => {
  const error = await failure(client(t).responses.retrieve('resp_0123456789abcdef'));

  assert(error instanceof OpenAI.NotFoundError, String(error));
});
