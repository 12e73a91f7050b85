// The four protocols, each through its official SDK, as one way to have a conversation:
//
//   speaker.ask(t, dialogue, { stream }) → answer
//
// dialogue  { system, turns, tools, choice, schema, stop, max, think }
//           turns: { user, images, documents } | { said: answer } | { results: [{ call, text, image }] }
// answer    { text, thinking, calls: [{ id, name, args }], finish, usage: { in, out, reasoning }, model, echo }
//           finish: stop | length | tool | filter; `echo` is what goes back to the model in the next turn
//
// A speaker says things as people do with that SDK; what a protocol cannot say is told by `cannot`.
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';

import { CLIENT_KEY } from './harness.mjs';

const PDF = 'application/pdf';
const dataUrl = (mime, data) => `data:${mime};base64,${data}`;

const openai = (t) => new OpenAI({ apiKey: CLIENT_KEY, baseURL: `${t.gateway}/v1`, maxRetries: 0, fetch: t.fetch });

// --- OpenAI Chat ------------------------------------------------------------------------------------------------

function chatTurn(turn) {
  if (turn.said) return [turn.said.echo];
  if (turn.results) return turn.results.map(({ call, text }) => ({ role: 'tool', tool_call_id: call.id, content: text }));
  const content = [
    ...(turn.images ?? []).map((data) => ({ type: 'image_url', image_url: { url: dataUrl('image/png', data) } })),
    ...(turn.documents ?? []).map((data) => ({ type: 'file', file: { filename: 'a.pdf', file_data: dataUrl(PDF, data) } })),
  ];
  return [{ role: 'user', content: content.length > 0 ? [...content, { type: 'text', text: turn.user }] : turn.user }];
}

function chatBody(t, d) {
  return {
    model: t.model,
    messages: [...(d.system ? [{ role: 'system', content: d.system }] : []), ...d.turns.flatMap(chatTurn)],
    ...(d.tools && {
      tools: d.tools.map(({ name, description, schema }) => ({
        type: 'function',
        function: { name, description, parameters: schema },
      })),
    }),
    ...(d.choice && { tool_choice: { type: 'function', function: { name: d.choice } } }),
    ...(d.schema && { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: d.schema } } }),
    ...(d.stop && { stop: d.stop }),
    ...(d.max && { max_completion_tokens: d.max }),
    ...(d.think && { reasoning_effort: 'high' }),
  };
}

// Adds up the chunks of a stream the way clients do that show reasoning.
async function chatGathered(stream) {
  const message = { role: 'assistant', content: '' };
  let finish, usage, model;
  for await (const chunk of stream) {
    usage = chunk.usage ?? usage;
    model ??= chunk.model;
    for (const { delta, finish_reason } of chunk.choices) {
      finish = finish_reason ?? finish;
      message.content += delta.content ?? '';
      if (delta.reasoning_content) message.reasoning_content = (message.reasoning_content ?? '') + delta.reasoning_content;
      if (delta.refusal) message.refusal = (message.refusal ?? '') + delta.refusal;
      for (const { index, ...piece } of delta.tool_calls ?? []) {
        const calls = (message.tool_calls ??= []);
        calls[index] ??= { id: piece.id, type: 'function', function: { name: piece.function.name, arguments: '' } };
        calls[index].function.arguments += piece.function?.arguments ?? '';
        if (piece.extra_content) calls[index].extra_content = piece.extra_content;
      }
    }
  }
  return { model, usage, choices: [{ message, finish_reason: finish }] };
}

const chat = {
  protocol: 'openai-chat',
  cannot: new Set(['image in a tool result']),

  async ask(t, dialogue, { stream }) {
    const body = chatBody(t, dialogue);
    const { completions } = openai(t).chat;
    const answer = stream
      ? await chatGathered(await completions.create({ ...body, stream: true, stream_options: { include_usage: true } }))
      : await completions.create(body);
    const [{ message, finish_reason }] = answer.choices;
    const { usage } = answer;
    return {
      text: message.content ?? '',
      thinking: message.reasoning_content ?? '',
      calls: (message.tool_calls ?? []).map((c) => ({ id: c.id, name: c.function.name, args: JSON.parse(c.function.arguments) })),
      finish: { stop: 'stop', length: 'length', tool_calls: 'tool', content_filter: 'filter' }[finish_reason],
      refusal: message.refusal ?? '',
      usage: usage && {
        in: usage.prompt_tokens,
        out: usage.completion_tokens,
        reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0,
        total: usage.total_tokens,
      },
      model: answer.model,
      echo: message,
    };
  },
};

// --- OpenAI Responses -------------------------------------------------------------------------------------------

function responsesTurn(turn) {
  if (turn.said) return turn.said.echo;
  if (turn.results)
    return turn.results.map(({ call, text, image }) => ({
      type: 'function_call_output',
      call_id: call.id,
      output: image
        ? [
            { type: 'input_text', text },
            { type: 'input_image', image_url: dataUrl('image/png', image), detail: 'auto' },
          ]
        : text,
    }));
  const content = [
    ...(turn.images ?? []).map((d) => ({ type: 'input_image', image_url: dataUrl('image/png', d), detail: 'auto' })),
    ...(turn.documents ?? []).map((d) => ({ type: 'input_file', filename: 'a.pdf', file_data: dataUrl(PDF, d) })),
    { type: 'input_text', text: turn.user },
  ];
  return [{ role: 'user', content }];
}

function responsesBody(t, d) {
  return {
    model: t.model,
    input: d.turns.flatMap(responsesTurn),
    store: false,
    ...(d.system && { instructions: d.system }),
    ...(d.tools && {
      tools: d.tools.map(({ name, description, schema }) => ({
        type: 'function',
        name,
        description,
        parameters: schema,
        strict: false,
      })),
    }),
    ...(d.choice && { tool_choice: { type: 'function', name: d.choice } }),
    ...(d.schema && { text: { format: { type: 'json_schema', name: 'answer', schema: d.schema } } }),
    ...(d.max && { max_output_tokens: d.max }),
    ...(d.think && { reasoning: { effort: 'high', summary: 'auto' }, include: ['reasoning.encrypted_content'] }),
  };
}

const responses = {
  protocol: 'openai-responses',
  cannot: new Set(['stop sequences']),

  async ask(t, dialogue, { stream }) {
    const body = responsesBody(t, dialogue);
    const client = openai(t).responses;
    const answer = stream ? await client.stream(body).finalResponse() : await client.create(body);
    const parts = answer.output.filter((i) => i.type === 'message').flatMap((i) => i.content);
    const calls = answer.output.filter((i) => i.type === 'function_call');
    const { usage } = answer;
    if (answer.status === 'failed') throw new Error(answer.error.message);
    return {
      text: parts.map((p) => p.text ?? '').join(''),
      thinking: answer.output.filter((i) => i.type === 'reasoning').flatMap((i) => i.summary).map((s) => s.text).join(''),
      calls: calls.map((c) => ({ id: c.call_id, name: c.name, args: JSON.parse(c.arguments) })),
      finish:
        { max_output_tokens: 'length', content_filter: 'filter' }[answer.incomplete_details?.reason] ??
        (calls.length > 0 ? 'tool' : 'stop'),
      refusal: parts.map((p) => p.refusal ?? '').join(''),
      usage: usage && {
        in: usage.input_tokens,
        out: usage.output_tokens,
        reasoning: usage.output_tokens_details.reasoning_tokens,
        total: usage.total_tokens,
      },
      model: answer.model,
      echo: answer.output.map(({ parsed, parsed_arguments, ...item }) => item),
    };
  },
};

// --- Anthropic Messages -----------------------------------------------------------------------------------------

const source = (media_type, data) => ({ type: 'base64', media_type, data });

function anthropicTurn(turn) {
  if (turn.said) return { role: 'assistant', content: turn.said.echo };
  if (turn.results)
    return {
      role: 'user',
      content: turn.results.map(({ call, text, image }) => ({
        type: 'tool_result',
        tool_use_id: call.id,
        content: image ? [{ type: 'text', text }, { type: 'image', source: source('image/png', image) }] : text,
      })),
    };
  return {
    role: 'user',
    content: [
      ...(turn.images ?? []).map((data) => ({ type: 'image', source: source('image/png', data) })),
      ...(turn.documents ?? []).map((data) => ({ type: 'document', source: source(PDF, data) })),
      { type: 'text', text: turn.user },
    ],
  };
}

function anthropicBody(t, d) {
  return {
    model: t.model,
    max_tokens: d.max ?? 64_000,
    messages: d.turns.map(anthropicTurn),
    ...(d.system && { system: d.system }),
    ...(d.tools && { tools: d.tools.map(({ name, description, schema }) => ({ name, description, input_schema: schema })) }),
    ...(d.choice && { tool_choice: { type: 'tool', name: d.choice } }),
    ...(d.schema && { output_config: { format: { type: 'json_schema', schema: d.schema } } }),
    ...(d.stop && { stop_sequences: d.stop }),
    ...(d.think && { thinking: { type: 'enabled', budget_tokens: 4096 } }),
  };
}

const anthropic = {
  protocol: 'anthropic',
  cannot: new Set(),

  async ask(t, dialogue, { stream }) {
    const { messages } = new Anthropic({ apiKey: CLIENT_KEY, baseURL: t.gateway, maxRetries: 0, fetch: t.fetch });
    const body = anthropicBody(t, dialogue);
    const answer = stream
      ? await messages.stream(body).finalMessage()
      : await messages.create(body, { timeout: 60_000 });
    const of = (type) => answer.content.filter((block) => block.type === type);
    const { usage } = answer;
    const total = usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens;
    return {
      text: of('text').map((b) => b.text).join(''),
      thinking: of('thinking').map((b) => b.thinking).join(''),
      calls: of('tool_use').map(({ id, name, input }) => ({ id, name, args: input })),
      finish: { end_turn: 'stop', stop_sequence: 'stop', max_tokens: 'length', tool_use: 'tool', refusal: 'filter' }[
        answer.stop_reason
      ],
      refusal: '',
      usage: { in: total, out: usage.output_tokens, reasoning: usage.output_tokens_details?.thinking_tokens ?? 0 },
      model: answer.model,
      echo: answer.content,
    };
  },
};

// --- Gemini -----------------------------------------------------------------------------------------------------

const inline = (mimeType, data) => ({ inlineData: { mimeType, data } });

function geminiTurn(turn) {
  if (turn.said) return { role: 'model', parts: turn.said.echo };
  if (turn.results)
    return {
      role: 'user',
      parts: turn.results.map(({ call, text, image }) => ({
        functionResponse: {
          id: call.id,
          name: call.name,
          response: { output: text },
          ...(image && { parts: [inline('image/png', image)] }),
        },
      })),
    };
  return {
    role: 'user',
    parts: [
      ...(turn.images ?? []).map((data) => inline('image/png', data)),
      ...(turn.documents ?? []).map((data) => inline(PDF, data)),
      { text: turn.user },
    ],
  };
}

function geminiConfig(d) {
  return {
    ...(d.system && { systemInstruction: d.system }),
    ...(d.tools && {
      tools: [
        {
          functionDeclarations: d.tools.map(({ name, description, schema }) => ({
            name,
            description,
            parametersJsonSchema: schema,
          })),
        },
      ],
    }),
    ...(d.choice && { toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: [d.choice] } } }),
    ...(d.schema && { responseMimeType: 'application/json', responseJsonSchema: d.schema }),
    ...(d.stop && { stopSequences: d.stop }),
    ...(d.max && { maxOutputTokens: d.max }),
    ...(d.think && { thinkingConfig: { includeThoughts: true, thinkingBudget: 4096 } }),
  };
}

async function geminiGathered(chunks) {
  const parts = [];
  const all = { usage: undefined, finish: undefined, blocked: undefined, model: undefined };
  for await (const chunk of chunks) {
    const candidate = chunk.candidates?.[0];
    all.usage = chunk.usageMetadata ?? all.usage;
    all.finish = candidate?.finishReason ?? all.finish;
    all.blocked = chunk.promptFeedback?.blockReason ?? all.blocked;
    all.model ??= chunk.modelVersion;
    for (const part of candidate?.content?.parts ?? []) {
      const last = parts.at(-1);
      const joins = last?.text !== undefined && part.text !== undefined && last.thought === part.thought;
      if (joins && !last.thoughtSignature && !part.thoughtSignature) last.text += part.text;
      else parts.push({ ...part });
    }
  }
  return { ...all, parts: parts.filter((p) => p.text !== '' || p.thoughtSignature) };
}

const gemini = {
  protocol: 'gemini',
  cannot: new Set(),

  async ask(t, dialogue, { stream }) {
    const { models } = new GoogleGenAI({
      apiKey: CLIENT_KEY,
      httpOptions: { baseUrl: t.gateway, fetch: t.fetch },
    });
    const params = { model: t.model, contents: dialogue.turns.map(geminiTurn), config: geminiConfig(dialogue) };
    const answer = await geminiGathered(
      stream ? await models.generateContentStream(params) : [await models.generateContent(params)],
    );
    const calls = answer.parts.filter((p) => p.functionCall).map((p) => p.functionCall);
    const text = (thought) => answer.parts.filter((p) => p.text && !!p.thought === thought).map((p) => p.text).join('');
    const { usage } = answer;
    return {
      text: text(false),
      thinking: text(true),
      calls: calls.map(({ id, name, args }) => ({ id, name, args: args ?? {} })),
      finish:
        answer.blocked || /SAFETY|PROHIBITED|BLOCK/.test(answer.finish ?? '')
          ? 'filter'
          : answer.finish === 'MAX_TOKENS'
            ? 'length'
            : calls.length > 0
              ? 'tool'
              : 'stop',
      refusal: '',
      usage: usage && {
        in: usage.promptTokenCount,
        out: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
        reasoning: usage.thoughtsTokenCount ?? 0,
        total: usage.totalTokenCount,
      },
      model: answer.model,
      echo: answer.parts,
    };
  },
};

export const speakers = [chat, responses, anthropic, gemini];
