// Scripted sessions of the frameworks that people build on: Vercel's AI SDK with its four providers, and LangChain. Each
// holds the same conversations over accounts of every wire; the simulator answers.
import assert from 'node:assert/strict';

import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatAnthropic } from '@langchain/anthropic';
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langTool } from '@langchain/core/tools';
import { ChatGoogleGenerativeAI } from '@langchain/google-genai';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

const KEY = 'any-value';
const verse = 'Wer reitet so spät? "Es ist…" 水 🌊';
const call = (city) => `[[sim:think="Let me see." tool=get_weather args={"city":"${city}"}]]`;

// --- Vercel's AI SDK ----------------------------------------------------------------------------------------------

const providers = {
  'openai (responses, stored)': (at) => createOpenAI({ baseURL: `${at}/v1`, apiKey: KEY }).responses,
  'openai (chat)': (at) => createOpenAI({ baseURL: `${at}/v1`, apiKey: KEY }).chat,
  anthropic: (at) => createAnthropic({ baseURL: `${at}/v1`, apiKey: KEY }),
  google: (at) => createGoogleGenerativeAI({ baseURL: `${at}/v1beta`, apiKey: KEY }),
  'openai-compatible': (at) => createOpenAICompatible({ name: 'penstock', baseURL: `${at}/v1`, apiKey: KEY, supportsStructuredOutputs: true }),
};

function weather(asked) {
  return tool({
    description: 'The weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      asked.push(city);
      return `rain in ${city}`;
    },
  });
}

const vercel = {
  async 'a text, and its tokens'(model) {
    const { text, usage, finishReason } = await generateText({ model, prompt: `Recite. [[sim:text=${JSON.stringify(verse)}]]` });

    assert.equal(text, verse);
    assert.equal(finishReason, 'stop');
    assert(usage.inputTokens > 0 && usage.outputTokens > 0, JSON.stringify(usage));
  },

  async 'a stream'(model) {
    const result = streamText({ model, system: 'Be brief.', prompt: `Recite. [[sim:text=${JSON.stringify(verse)}]]` });
    let text = '';

    for await (const piece of result.textStream) text += piece;
    assert.equal(text, verse);
    assert.equal(await result.finishReason, 'stop');
  },

  async 'a loop of tools'(model) {
    const asked = [];
    const { text, steps } = await generateText({
      model, tools: { get_weather: weather(asked) }, stopWhen: stepCountIs(4), prompt: `Weather? ${call('Oslo')}`,
    });

    assert.deepEqual(asked, ['Oslo']);
    assert.equal(steps.length, 2);
    assert.match(text, /get_weather answered: .*rain in Oslo/);
  },

  async 'a loop of tools in a stream, and the conversation after it'(model) {
    const asked = [];
    const messages = [{ role: 'user', content: `Weather? ${call('Rome')}` }];
    const first = streamText({ model, tools: { get_weather: weather(asked) }, stopWhen: stepCountIs(4), messages });

    for await (const part of first.fullStream) if (part.type === 'error') throw part.error;
    messages.push(...(await first.response).messages, { role: 'user', content: `And now? ${call('Bonn')}` });
    const second = await generateText({ model, tools: { get_weather: weather(asked) }, stopWhen: stepCountIs(4), messages });

    assert.deepEqual(asked, ['Rome', 'Bonn']);
    assert.match(second.text, /rain in Bonn/);
  },

  async 'an object by its schema'(model) {
    const { output } = await generateText({
      model, prompt: 'A city, please.', output: Output.object({ schema: z.object({ city: z.string(), days: z.number().int() }) }),
    });

    assert.equal(typeof output.city, 'string');
    assert.equal(typeof output.days, 'number');
  },
};

// --- LangChain ----------------------------------------------------------------------------------------------------

const chats = {
  ChatOpenAI: (at, model) => new ChatOpenAI({ model, apiKey: KEY, configuration: { baseURL: `${at}/v1` }, maxRetries: 0 }),
  'ChatOpenAI (responses)': (at, model) =>
    new ChatOpenAI({ model, apiKey: KEY, configuration: { baseURL: `${at}/v1` }, maxRetries: 0, useResponsesApi: true }),
  ChatAnthropic: (at, model) => new ChatAnthropic({ model, apiKey: KEY, anthropicApiUrl: at, maxRetries: 0, maxTokens: 1000 }),
  ChatGoogleGenerativeAI: (at, model) => new ChatGoogleGenerativeAI({ model, apiKey: KEY, baseUrl: at, maxRetries: 0 }),
};

const said = (message) =>
  typeof message.content === 'string' ? message.content : message.content.map((part) => part.text ?? '').join('');

const langchain = {
  async 'a text, in one piece and streamed'(model) {
    const ask = [new SystemMessage('Be brief.'), new HumanMessage(`Recite. [[sim:text=${JSON.stringify(verse)}]]`)];
    const whole = await model.invoke(ask);
    let streamed = '';

    assert.equal(said(whole), verse);
    assert(whole.usage_metadata.output_tokens > 0, JSON.stringify(whole.usage_metadata));
    for await (const piece of await model.stream(ask)) streamed += said(piece);
    assert.equal(streamed, verse);
  },

  async 'a loop of tools'(model) {
    const weatherTool = langTool(async ({ city }) => `rain in ${city}`, {
      name: 'get_weather', description: 'The weather of a city', schema: z.object({ city: z.string() }),
    });
    const bound = model.bindTools([weatherTool]);
    const messages = [new HumanMessage(`Weather? ${call('Oslo')}`)];
    const first = await bound.invoke(messages);

    assert(first instanceof AIMessage);
    assert.deepEqual(first.tool_calls.map((c) => [c.name, c.args]), [['get_weather', { city: 'Oslo' }]]);
    messages.push(first);
    for (const c of first.tool_calls) messages.push(new ToolMessage({ tool_call_id: c.id, name: c.name, content: await weatherTool.invoke(c.args) }));
    const second = await bound.invoke(messages);

    assert.match(said(second), /get_weather answered: .*rain in Oslo/);
  },
};

// --- all of them --------------------------------------------------------------------------------------------------

// [name, async (at, model) => …] for each session; `model` is the name of a model that one wire's account offers.
export function sessions() {
  const all = [];
  for (const [provider, make] of Object.entries(providers))
    for (const [name, hold] of Object.entries(vercel)) all.push([`AI SDK, ${provider}: ${name}`, (at, model) => hold(make(at)(model))]);
  for (const [chat, make] of Object.entries(chats))
    for (const [name, hold] of Object.entries(langchain)) all.push([`LangChain, ${chat}: ${name}`, (at, model) => hold(make(at, model))]);
  return all;
}
