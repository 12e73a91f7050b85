// Every protocol over every wire: the same conversations, held with each SDK, served by accounts of each kind.
import assert from 'node:assert/strict';

import { failure, pixel, pixelBytes, suite, tokens, weatherSchema } from './harness.mjs';
import { speakers } from './speakers.mjs';

const wires = ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'cloudcode'];
const verse = 'Wer reitet so spät durch Nacht und Wind?\n\t"Es ist…" 水は流れる 🌊\\ & <end>';
const says = (text) => `[[sim:text=${JSON.stringify(text)}]]`;

const tools = [
  { name: 'get_weather', description: 'The weather of a city', schema: weatherSchema },
  { name: 'get_time', description: 'The time', schema: { type: 'object', properties: {} } },
];
const pdf = Buffer.from('%PDF-1.4\n%%EOF\n').toString('base64');

// The signature that a provider's answer held, to be found again in the next request; what holds it on each wire.
const signatures = {
  'openai-responses': /"encrypted_content":"(gAAAA[^"]+)"/,
  anthropic: /"signature":"([^"]+)"/,
  gemini: /"thoughtSignature":"([^"]+)"/,
  cloudcode: /"thoughtSignature":"([^"]+)"/,
};

const features = {
  async 'a text comes back byte for byte, with its tokens'(t, ask) {
    const question = `Please recite. ${says(verse)}`;
    const answer = await ask({ turns: [{ user: question }] });

    assert.equal(answer.text, verse);
    assert.equal(answer.finish, 'stop');
    assert.equal(answer.model, t.model);
    assert.equal(answer.usage.in, tokens(question));
    assert.equal(answer.usage.out, tokens(verse));
    assert(answer.usage.total === undefined || answer.usage.total === answer.usage.in + answer.usage.out);
  },

  async 'several turns with a system text'(t, ask) {
    const turns = [{ user: 'One? [[sim:text=Two.]]' }];
    turns.push({ said: await ask({ system: 'Be brief.', turns }) }, { user: 'Three?' });
    const answer = await ask({ system: 'Be brief.', turns });

    assert.equal(answer.text, `You said: Three? (model ${t.upstream})`);
    assert.equal(answer.usage.in, tokens('Be brief.', 'One? [[sim:text=Two.]]', 'Two.', 'Three?'));
  },

  async 'a tool is called, and its result goes back'(t, ask) {
    const turns = [{ user: 'Weather? [[sim:tool=get_weather args={"city":"Ålesund","days":2}]]' }];
    const first = await ask({ turns, tools });
    const [call] = first.calls;

    assert.equal(first.finish, 'tool');
    assert.equal(call.name, 'get_weather');
    assert.deepEqual(call.args, { city: 'Ålesund', days: 2 });
    turns.push({ said: first }, { results: [{ call, text: 'rain, 7 °C' }] });
    const second = await ask({ turns, tools });

    assert.match(second.text, /^The tool get_weather answered: rain, 7 °C/);
    assert.equal(second.finish, 'stop');
  },

  async 'tools are called side by side, behind a text, and all results go back'(t, ask) {
    const turns = [
      {
        user: '[[sim:text="Let me see." tool=get_weather args={"city":"Oslo"} tool=get_time tool=get_weather args={"city":"Rome"}]]',
      },
    ];
    const first = await ask({ turns, tools });

    assert.equal(first.text, 'Let me see.');
    assert.equal(first.finish, 'tool');
    assert.deepEqual(
      first.calls.map((c) => [c.name, c.args]),
      [
        ['get_weather', { city: 'Oslo' }],
        ['get_time', {}],
        ['get_weather', { city: 'Rome' }],
      ],
    );
    assert.equal(new Set(first.calls.map((c) => c.id)).size, 3);
    const [oslo, time, rome] = first.calls;
    turns.push(
      { said: first },
      {
        results: [
          { call: oslo, text: 'snow' },
          { call: time, text: 'noon' },
          { call: rome, text: 'sun' },
        ],
      },
    );
    const second = await ask({ turns, tools });

    for (const word of ['snow', 'noon', 'sun']) assert(second.text.includes(word), second.text);
  },

  async 'a tool answers with an image'(t, ask, speaker) {
    if (speaker.cannot.has('image in a tool result')) return;
    const turns = [{ user: '[[sim:tool=get_weather args={"city":"Oslo"}]]' }];
    const first = await ask({ turns, tools });
    turns.push({ said: first }, { results: [{ call: first.calls[0], text: 'see', image: pixel }] });
    const second = await ask({ turns, tools });

    assert.match(second.text, /see/);
    assert.match(second.text, new RegExp(`\\[1 image, ${pixelBytes} bytes\\]`));
  },

  async 'an image arrives'(t, ask) {
    const answer = await ask({ turns: [{ user: 'What is this?', images: [pixel] }] });

    assert.match(answer.text, new RegExp(`\\[1 image, ${pixelBytes} bytes\\]`));
  },

  async 'a document arrives'(t, ask) {
    const answer = await ask({ turns: [{ user: 'What is this?', documents: [pdf] }] });

    assert.match(answer.text, /\[1 document, 15 bytes\]/);
  },

  async 'thinking is shown to who asks for it'(t, ask) {
    const turns = [{ user: '[[sim:think="Eight and eight." text=Sixteen.]]' }];
    const answer = await ask({ turns, think: true });

    assert.equal(answer.thinking, 'Eight and eight.');
    assert.equal(answer.text, 'Sixteen.');
    turns.push({ said: answer }, { user: 'Go on. [[sim:text=Seventeen.]]' });
    assert.equal((await ask({ turns, think: true })).text, 'Seventeen.');
  },

  async 'thinking survives a loop of tools'(t, ask) {
    const turns = [{ user: '[[sim:think="Look outside." tool=get_weather args={"city":"Oslo"}]]' }];
    const first = await ask({ turns, tools, think: true });
    const [call] = first.calls;

    assert.equal(call.name, 'get_weather');
    turns.push({ said: first }, { results: [{ call, text: 'snow' }] });
    const second = await ask({ turns, tools, think: true });

    assert.match(second.text, /^The tool get_weather answered: snow/);
    if (t.how.protocol === 'openai-chat' || t.how.wire === 'openai-chat') return; // no place for a signature
    const records = await t.records();
    const minted = signatures[t.how.wire].exec(await t.answerOf(records[0]))?.[1];
    assert(minted, 'the simulator signed its thought');
    assert(records.at(-1).body.includes(minted), 'the signature goes back to who minted it');
  },

  async 'an answer keeps to a schema'(t, ask) {
    const answer = await ask({ turns: [{ user: 'As JSON, please.' }], schema: weatherSchema });

    assert.equal(typeof JSON.parse(answer.text).city, 'string');
    assert.equal(answer.finish, 'stop');
  },

  async 'a tool that must be called is called'(t, ask) {
    const answer = await ask({ turns: [{ user: 'Weather?' }], tools, choice: 'get_weather' });

    assert.equal(answer.calls[0].name, 'get_weather');
    assert.equal(typeof answer.calls[0].args.city, 'string');
  },

  async 'an answer ends at a stop sequence'(t, ask, speaker) {
    if (speaker.cannot.has('stop sequences')) return;
    const answer = await ask({ turns: [{ user: '[[sim:text="one two STOP three" chunk=3]]' }], stop: ['never', 'STOP'] });

    assert.equal(answer.text, 'one two ');
    assert.equal(answer.finish, 'stop');
  },

  async 'a limit of tokens cuts the answer'(t, ask) {
    const answer = await ask({ turns: [{ user: '[[sim:words=100]]' }], max: 20 });

    assert.equal(answer.finish, 'length');
    assert.equal(answer.usage.out, 20);
  },

  async 'a prompt that is blocked is told as such'(t, ask) {
    let answer;
    try {
      answer = await ask({ turns: [{ user: '[[sim:block]]' }] });
    } catch (error) {
      assert.equal(error.status, 400); // some providers refuse such a request outright
      return;
    }
    assert.equal(answer.finish, 'filter');
  },

  async 'an answer without anything in it is an answer'(t, ask) {
    const answer = await ask({ turns: [{ user: '[[sim:empty]]' }] });

    assert.equal(answer.text, '');
    assert.deepEqual(answer.calls, []);
    assert.equal(answer.finish, 'stop');
  },

  async 'a 400 of the provider is shown in its own words'(t, ask) {
    const error = await failure(ask({ turns: [{ user: '[[sim:error=request message="The bolt is loose."]]' }] }));

    assert.equal(error.status, 400);
    assert.match(error.message, /The bolt is loose\./);
  },

  async 'an account at its limit is a 429 that says when to come back'(t, ask) {
    const error = await failure(ask({ turns: [{ user: '[[sim:error=rate_limit retry-after=30]]' }] }));

    assert.equal(error.status, 429);
    assert(Number(t.calls.at(-1).headers.get('retry-after')) >= 1);
  },
};

const broken = ['cut=3000', 'no-terminator', 'error-event=content error=server'];

for (const speaker of speakers)
  for (const wire of wires) {
    const test = suite({
      prefix: `${speaker.protocol}-over-${wire}`,
      protocol: speaker.protocol,
      wire,
      provider: 'compatible',
    });
    for (const stream of [false, true]) {
      const how = stream ? 'streamed' : 'whole';
      for (const [name, feature] of Object.entries(features))
        test(`${name} (${how})`, (t) => feature(t, (dialogue) => speaker.ask(t, dialogue, { stream }), speaker));
    }
    for (const words of broken)
      test(`a stream with ${words} never looks like a success`, async (t) => {
        await failure(speaker.ask(t, { turns: [{ user: `[[sim:events=100 ${words}]]` }] }, { stream: true }));
      });
  }
