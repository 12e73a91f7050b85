// generateContent and streamGenerateContent with `@google/genai`.
import assert from 'node:assert/strict';

import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from '@google/genai';

import { commonCases } from './common.mjs';
import { CLIENT_KEY, failure, pixel, pixelBytes, suite, tokens, weatherSchema } from './harness.mjs';

const test = suite({ prefix: 'gemini', wire: 'gemini', provider: 'gemini' });

function client(t, { key = CLIENT_KEY, retries = 0, apiVersion } = {}) {
  const retryOptions = { attempts: retries + 1, initialDelay: 1, jitter: 0 };
  return new GoogleGenAI({
    apiKey: key,
    ...(apiVersion ? { apiVersion } : {}),
    httpOptions: { baseUrl: t.gateway, fetch: t.fetch, ...(retries > 0 ? { retryOptions } : {}) },
  });
}

// A stream is put together as a program would: parts in a row, the rest from the last chunk that has it.
async function gather(chunks) {
  const whole = { parts: [], text: '' };
  for await (const chunk of chunks) {
    const [candidate] = chunk.candidates ?? [];
    whole.parts.push(...(candidate?.content?.parts ?? []));
    whole.finishReason = candidate?.finishReason ?? whole.finishReason;
    whole.usage = chunk.usageMetadata ?? whole.usage;
    whole.model = chunk.modelVersion;
    whole.promptFeedback = chunk.promptFeedback ?? whole.promptFeedback;
  }
  whole.text = whole.parts.map((part) => (part.thought ? '' : (part.text ?? ''))).join('');
  whole.calls = whole.parts.filter((part) => part.functionCall).map((part) => part.functionCall);
  return whole;
}

async function generate(t, contents, config = {}, { stream, signal, ...options } = {}) {
  const { models } = client(t, options);
  const params = { model: t.model, contents, config: { ...config, ...(signal ? { abortSignal: signal } : {}) } };
  return gather(stream ? await models.generateContentStream(params) : [await models.generateContent(params)]);
}

const adapter = {
  overloadedStatus: 503,
  promptTokens: (text) => tokens(text),

  async ask(t, text, options) {
    const { text: said, model, usage } = await generate(t, text, {}, options);
    return {
      text: said,
      model,
      usage: {
        in: usage.promptTokenCount,
        out: usage.candidatesTokenCount,
        cached: usage.cachedContentTokenCount ?? 0,
      },
    };
  },

  async *pieces(t, text, { signal } = {}) {
    const params = { model: t.model, contents: text, config: { abortSignal: signal } };
    for await (const chunk of await client(t).models.generateContentStream(params))
      if (chunk.text) yield { text: chunk.text };
  },

  // one class for all; its status tells them apart
  isError: (error) => error instanceof ApiError,
};

commonCases(test, adapter);

const weather = { name: 'get_weather', description: 'The weather of a city', parametersJsonSchema: weatherSchema };
const clock = { name: 'get_time', description: 'The time' };
const tools = [{ functionDeclarations: [weather, clock] }];

for (const stream of [false, true]) {
  const how = stream ? 'streamed' : 'whole';

  test(`several turns of a chat with a system text (${how})`, async (t) => {
    const config = { systemInstruction: 'Be brief.', temperature: 0.1 };
    const chat = client(t).chats.create({ model: t.model, config });
    const send = async (message) =>
      gather(stream ? await chat.sendMessageStream({ message }) : [await chat.sendMessage({ message })]);

    await send('One? [[sim:text=Two.]]');
    const answer = await send('Three?');

    assert.equal(answer.text, `You said: Three? (model ${t.upstream})`);
    assert.equal(answer.finishReason, 'STOP');
    assert.equal(answer.usage.promptTokenCount, tokens('Be brief.', 'One? [[sim:text=Two.]]', 'Two.', 'Three?'));
  });

  test(`a tool is called, and its result goes back (${how})`, async (t) => {
    const ask = 'Weather? [[sim:tool=get_weather args={"city":"Ålesund","days":2}]]';
    const contents = [{ role: 'user', parts: [{ text: ask }] }];
    const first = await generate(t, contents, { tools }, { stream });
    const [call] = first.calls;

    assert.equal(first.calls.length, 1);
    assert.equal(call.name, 'get_weather');
    assert.deepEqual(call.args, { city: 'Ålesund', days: 2 });

    const response = { id: call.id, name: call.name, response: { output: 'rain, 7 °C' } };
    contents.push(
      { role: 'model', parts: first.parts },
      { role: 'user', parts: [{ functionResponse: response }] },
    );
    const second = await generate(t, contents, { tools }, { stream });

    assert.match(second.text, /^The tool get_weather answered: rain, 7 °C/);
  });

  test(`tools are called side by side, behind a text (${how})`, async (t) => {
    const ask =
      '[[sim:text="Let me see." tool=get_weather args={"city":"Oslo"} tool=get_time tool=get_weather args={"city":"Rome"}]]';
    const answer = await generate(t, ask, { tools }, { stream });

    assert.equal(answer.text, 'Let me see.');
    assert.deepEqual(
      answer.calls.map((c) => [c.name, c.args]),
      [
        ['get_weather', { city: 'Oslo' }],
        ['get_time', {}],
        ['get_weather', { city: 'Rome' }],
      ],
    );
  });

  test(`calls without ids are matched by their names (${how})`, async (t) => {
    const ask = '[[sim:ids=off tool=get_time]]';
    const contents = [{ role: 'user', parts: [{ text: ask }] }];
    const first = await generate(t, contents, { tools }, { stream });
    assert.equal(first.calls[0].id, undefined);

    contents.push(
      { role: 'model', parts: first.parts },
      { role: 'user', parts: [{ functionResponse: { name: 'get_time', response: { output: 'noon' } } }] },
    );
    assert.match((await generate(t, contents, { tools }, { stream })).text, /^The tool get_time answered: noon/);
  });

  test(`a tool that must be called is called with arguments that fit (${how})`, async (t) => {
    const functionCallingConfig = { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ['get_weather'] };
    const answer = await generate(t, 'Weather?', { tools, toolConfig: { functionCallingConfig } }, { stream });

    assert.equal(answer.calls[0].name, 'get_weather');
    assert.equal(typeof answer.calls[0].args.city, 'string');
  });

  test(`an image arrives (${how})`, async (t) => {
    const parts = [{ inlineData: { mimeType: 'image/png', data: pixel } }, { text: 'What is this?' }];
    const answer = await generate(t, [{ role: 'user', parts }], {}, { stream });

    assert.match(answer.text, new RegExp(`\\[1 image, ${pixelBytes} bytes\\]`));
  });

  test(`an image comes back (${how})`, async (t) => {
    const answer = await generate(t, 'Paint. [[sim:image text=Here:]]', {}, { stream });
    const [picture] = answer.parts.filter((part) => part.inlineData);

    assert.equal(picture.inlineData.mimeType, 'image/png');
    assert.equal(picture.inlineData.data, pixel);
  });

  test(`thoughts come marked, and their signature goes back as it came (${how})`, async (t) => {
    const config = { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } };
    const contents = [{ role: 'user', parts: [{ text: '[[sim:think="Eight and eight." text=Sixteen.]]' }] }];
    const first = await generate(t, contents, config, { stream });
    const { thoughtSignature } = first.parts.find((part) => part.thoughtSignature);

    assert.equal(first.parts.filter((p) => p.thought).map((p) => p.text).join(''), 'Eight and eight.');
    assert.equal(first.text, 'Sixteen.');
    assert.equal(first.usage.thoughtsTokenCount, tokens('Eight and eight.'));
    assert.equal(first.usage.candidatesTokenCount, tokens('Sixteen.'));

    contents.push({ role: 'model', parts: first.parts }, { role: 'user', parts: [{ text: 'Go on. [[sim:text=Next.]]' }] });
    assert.equal((await generate(t, contents, config, { stream })).text, 'Next.');
    assert(t.calls[1].body.includes(thoughtSignature));
  });

  for (const schema of ['responseSchema', 'responseJsonSchema'])
    test(`an answer keeps to a ${schema} (${how})`, async (t) => {
      const upper = { type: 'OBJECT', properties: { city: { type: 'STRING' } }, required: ['city'] };
      const config = {
        responseMimeType: 'application/json',
        [schema]: schema === 'responseSchema' ? upper : weatherSchema,
      };
      const answer = await generate(t, 'As JSON, please.', config, { stream });

      assert.equal(typeof JSON.parse(answer.text).city, 'string');
    });

  test(`an answer ends at a stop sequence (${how})`, async (t) => {
    const answer = await generate(t, '[[sim:text="one two STOP three"]]', { stopSequences: ['never', 'STOP'] }, { stream });

    assert.equal(answer.text, 'one two ');
    assert.equal(answer.finishReason, 'STOP');
  });

  test(`a limit of tokens cuts the answer (${how})`, async (t) => {
    const answer = await generate(t, '[[sim:words=100]]', { maxOutputTokens: 5 }, { stream });

    assert.equal(answer.finishReason, 'MAX_TOKENS');
    assert.equal(answer.usage.candidatesTokenCount, 5);
    assert.equal(answer.usage.totalTokenCount, 5 + tokens('[[sim:words=100]]'));
  });

  test(`a prompt that is blocked says why (${how})`, async (t) => {
    const answer = await generate(t, '[[sim:block]]', {}, { stream });

    assert.equal(answer.promptFeedback.blockReason, 'SAFETY');
    assert.deepEqual(answer.parts, []);
  });

  test(`the paths of older SDKs are served (${how})`, async (t) => {
    const answer = await generate(t, '[[sim:text=Beta.]]', {}, { stream, apiVersion: 'v1beta' });

    assert.equal(answer.text, 'Beta.');
    assert.match(t.calls[0].url.pathname, /^\/v1beta\//);
  });
}

for (const apiVersion of [undefined, 'v1beta'])
  test(`the list of models (${apiVersion ?? 'newest path'}) has ours, over all its pages`, { mapped: true }, async (t) => {
    const found = new Map();
    const ai = client(t, { apiVersion });
    for await (const model of await ai.models.list()) found.set(model.name, model);

    assert.equal(found.get(`models/${t.upstream}`)?.displayName, t.upstream);
    assert(found.has(`models/${t.model}`));
    assert(t.calls.length >= found.size / 50, 'a page held more than it should');
    assert.equal((await ai.models.get({ model: t.upstream })).name, `models/${t.upstream}`);
  });

test('a model that is not in the list is a 404', async (t) => {
  const error = await failure(client(t).models.get({ model: 'sim-nobody' }));

  assert.equal(error.status, 404);
  assert.match(error.message, /NOT_FOUND/);
  assert.match(error.message, /sim-nobody/);
});
