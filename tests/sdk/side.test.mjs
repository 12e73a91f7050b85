// What stands beside generating: tokens counted, vectors, legacy completions, stored answers, losses named.
import assert from 'node:assert/strict';

import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';

import { CLIENT_KEY, failure, suite, tokens } from './harness.mjs';

const wires = ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'cloudcode'];

const openai = (t) => new OpenAI({ apiKey: CLIENT_KEY, baseURL: `${t.gateway}/v1`, maxRetries: 0, fetch: t.fetch });
const anthropic = (t) => new Anthropic({ apiKey: CLIENT_KEY, baseURL: t.gateway, maxRetries: 0, fetch: t.fetch });
const gemini = (t) =>
  new GoogleGenAI({ apiKey: CLIENT_KEY, httpOptions: { baseUrl: t.gateway, fetch: t.fetch } });

const question = 'How many tokens are there in this question, and does anybody count them?';

for (const wire of wires) {
  const test = suite({ prefix: `side-over-${wire}`, protocol: 'side', wire, provider: 'compatible' });
  const counts = wire !== 'openai-chat'; // there it is estimated, which the answer says

  function checkCount(t, counted) {
    if (counts) assert.equal(counted, tokens(question));
    else assert(counted > 5 && counted < 40, `an estimate of ${counted}`);
    assert.equal(t.calls.at(-1).headers.get('x-penstock-estimated'), counts ? null : '1');
  }

  test('tokens are counted for Messages', async (t) => {
    const messages = [{ role: 'user', content: question }];
    const { input_tokens } = await anthropic(t).messages.countTokens({ model: t.model, messages });

    checkCount(t, input_tokens);
  });

  test('tokens are counted for generateContent', async (t) => {
    const { totalTokens } = await gemini(t).models.countTokens({ model: t.model, contents: question });

    checkCount(t, totalTokens);
  });

  test('tokens are counted for Responses', async (t) => {
    const answer = await openai(t).responses.inputTokens.count({ model: t.model, input: question });

    assert.equal(answer.object, 'response.input_tokens');
    checkCount(t, answer.input_tokens);
  });

  test('an account that cannot count now leaves it to an estimate, and stays free', { accounts: 1 }, async (t) => {
    await t.rules(0, 'status=500');
    const messages = [{ role: 'user', content: question }];
    const { input_tokens } = await anthropic(t).messages.countTokens({ model: t.model, messages });

    assert(input_tokens > 5);
  });

  for (const stream of [false, true])
    test(`a legacy completion (${stream ? 'streamed' : 'whole'})`, async (t) => {
      const body = { model: t.model, prompt: '[[sim:text="Once upon a time"]]', max_tokens: 64 };
      const { completions } = openai(t);
      let text = '';
      let finish;

      if (stream) {
        for await (const { choices } of await completions.create({ ...body, stream: true })) {
          text += choices[0]?.text ?? '';
          finish = choices[0]?.finish_reason ?? finish;
        }
      } else {
        const answer = await completions.create(body);
        assert.equal(answer.object, 'text_completion');
        text = answer.choices[0].text;
        finish = answer.choices[0].finish_reason;
        assert.equal(answer.usage.completion_tokens, tokens('Once upon a time'));
      }
      assert.equal(text, 'Once upon a time');
      assert.equal(finish, 'stop');
    });

  const embeds = wire === 'openai-chat' || wire === 'gemini';

  for (const encoding_format of ['float', 'base64', undefined])
    test(`vectors for texts with the OpenAI SDK (${encoding_format ?? 'as it likes'})`, async (t) => {
      const ask = openai(t).embeddings.create({
        model: t.model,
        input: ['one', 'two', 'one'],
        dimensions: 4,
        ...(encoding_format && { encoding_format }),
      });

      if (!embeds) {
        const error = await failure(ask);
        assert.equal(error.status, 501);
        assert.equal(error.param, 'model');
        return;
      }
      const { data, model } = await ask;
      const vectors = data.map(({ embedding }) =>
        typeof embedding === 'string'
          ? Array.from(new Float32Array(new Uint8Array(Buffer.from(embedding, 'base64')).buffer))
          : embedding,
      );
      assert.equal(model, t.model);
      assert.deepEqual(data.map((d) => d.index), [0, 1, 2]);
      assert.equal(vectors[0].length, 4);
      assert.deepEqual(vectors[0], vectors[2]);
      assert.notDeepEqual(vectors[0], vectors[1]);
    });

  test('vectors for texts with the Google SDK', async (t) => {
    const ask = gemini(t).models.embedContent({
      model: t.model,
      contents: ['one', 'two'],
      config: { outputDimensionality: 4 },
    });

    if (!embeds) {
      assert.equal((await failure(ask)).status, 501);
      return;
    }
    const { embeddings } = await ask;
    assert.equal(embeddings.length, 2);
    assert.equal(embeddings[0].values.length, 4);
    assert.notDeepEqual(embeddings[0].values, embeddings[1].values);
  });

  // The SDK asks for a thread that Anthropic keeps; the refusal tells it to send the whole conversation instead.
  for (const stream of [false, true])
    test(`the tool runner of the Anthropic SDK runs its tools (${stream ? 'streamed' : 'whole'})`, async (t) => {
      const ran = [];
      const runner = anthropic(t).beta.messages.toolRunner({
        model: t.model,
        max_tokens: 1000,
        max_iterations: 4,
        stream,
        messages: [{ role: 'user', content: '[[sim:tool=get_weather args={"city":"Oslo"} tool=get_weather args={"city":"Rome"}]]' }],
        tools: [
          {
            type: 'custom',
            name: 'get_weather',
            input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
            parse: (input) => input,
            run: ({ city }) => {
              ran.push(city);
              return `sun over ${city}`;
            },
          },
        ],
      });
      const last = await runner.runUntilDone();

      assert.deepEqual(ran, ['Oslo', 'Rome']);
      assert.match(last.content[0].text, /sun over Oslo.*sun over Rome/);
      assert.equal(last.stop_reason, 'end_turn');
      assert.equal(JSON.parse(t.calls[0].body).thread?.type, 'create', 'the SDK asks for a thread no more');
      assert.equal(t.calls[0].status, 400);
    });

  test('a response is gone on from by its id', async (t) => {
    const { responses } = openai(t);
    const tools = [{ type: 'function', name: 'get_time', parameters: { type: 'object', properties: {} }, strict: false }];
    const first = await responses.create({ model: t.model, tools, input: 'Now? [[sim:tool=get_time]]' });
    const [call] = first.output;
    const input = [{ type: 'function_call_output', call_id: call.call_id, output: 'noon' }];
    const second = await responses.create({ model: t.model, tools, previous_response_id: first.id, input });

    assert.match(second.output_text, /^The tool get_time answered: noon/);
    assert.equal(second.previous_response_id, first.id);
  });

  test('what the account cannot be told is named, and refused in strict mode', async (t) => {
    const body = { model: t.model, messages: [{ role: 'user', content: '[[sim:text=Yes.]]' }], logit_bias: { 50256: -100 } };
    const answer = await openai(t).chat.completions.create(body);

    assert.equal(answer.choices[0].message.content, 'Yes.');
    const dropped = t.calls.at(-1).headers.get('x-penstock-dropped');
    if (wire === 'openai-chat') {
      assert.equal(dropped, null);
      return;
    }
    assert.equal(dropped, 'logit_bias');
    const strict = { headers: { 'X-Penstock-Strict': '1' } };
    const error = await failure(openai(t).chat.completions.create(body, strict));
    assert.equal(error.status, 400);
    assert.equal(error.param, 'logit_bias');
  });
}

const test = suite({ prefix: 'side', protocol: 'side', wire: 'openai-responses', provider: 'compatible' });

test('stored responses are not kept: 404', async (t) => {
  const error = await failure(openai(t).responses.retrieve('resp_0123456789abcdef'));

  assert(error instanceof OpenAI.NotFoundError, String(error));
});
