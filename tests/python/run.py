#!/usr/bin/env python3
"""Scripted sessions of the official Python SDKs (openai, anthropic, google-genai) over accounts of every wire; the simulator answers.
usage: run.py PENSTOCK [WORD…] (only sessions whose name holds a word), with the Python that has requirements.txt installed."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import traceback

import anthropic
import httpx2
import openai
from google import genai
from google.genai import types

WIRES = ["openai-chat", "openai-responses", "anthropic", "gemini", "cloudcode"]
VERSE = 'Wer reitet so spät? "Es ist…" 水 🌊'
SAYS = f"Recite. [[sim:text={json.dumps(VERSE, ensure_ascii=False)}]]"
CALLS = 'Weather? [[sim:think="Let me see." tool=get_weather args={"city":"Oslo"}]]'
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
ANSWERED = re.compile(r"get_weather answered: .*rain in Oslo")


def weather(arguments):
    assert arguments == {"city": "Oslo"}, arguments
    return "rain in Oslo"


# --- openai: Chat and Responses

def chat_text(at, model):
    client = openai.OpenAI(base_url=f"{at}/v1", api_key="any", max_retries=0)
    ask = {"model": model, "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": SAYS}]}
    answer = client.chat.completions.create(**ask)
    assert answer.choices[0].message.content == VERSE and answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert "".join(c.choices[0].delta.content or "" for c in client.chat.completions.create(**ask, stream=True) if c.choices) == VERSE


def chat_tools(at, model):
    client = openai.OpenAI(base_url=f"{at}/v1", api_key="any", max_retries=0)
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
    messages = [{"role": "user", "content": CALLS}]
    with client.chat.completions.stream(model=model, messages=messages, tools=tools) as stream:
        message = stream.get_final_completion().choices[0].message
    messages.append(message.to_dict())
    for call in message.tool_calls:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": weather(json.loads(call.function.arguments))})
    assert ANSWERED.search(client.chat.completions.create(model=model, messages=messages, tools=tools).choices[0].message.content)


def responses_text(at, model):
    client = openai.OpenAI(base_url=f"{at}/v1", api_key="any", max_retries=0)
    first = client.responses.create(model=model, input=SAYS)
    assert first.output_text == VERSE and first.status == "completed"
    with client.responses.stream(model=model, input="And now?", previous_response_id=first.id) as stream:
        second = stream.get_final_response()
    assert "And now?" in second.output_text, second.output_text
    assert client.responses.retrieve(second.id).output_text == second.output_text
    assert len(client.responses.input_items.list(second.id).data) >= 3
    client.responses.delete(second.id)
    try:
        client.responses.retrieve(second.id)
        raise AssertionError("it should be gone")
    except openai.NotFoundError:
        pass


def responses_tools(at, model):
    client = openai.OpenAI(base_url=f"{at}/v1", api_key="any", max_retries=0)
    tools = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
    for keeps in (True, False):
        first = client.responses.create(model=model, input=CALLS, tools=tools, store=keeps)
        results = [{"type": "function_call_output", "call_id": c.call_id, "output": weather(json.loads(c.arguments))}
                   for c in first.output if c.type == "function_call"]
        assert len(results) == 1, first
        if keeps:
            second = client.responses.create(model=model, previous_response_id=first.id, input=results, tools=tools)
        else:
            second = client.responses.create(model=model, input=[{"role": "user", "content": CALLS}, *[i.to_dict() for i in first.output], *results],
                                             tools=tools, store=False)
        assert ANSWERED.search(second.output_text), second.output_text


# --- anthropic

def messages_text(at, model):
    client = anthropic.Anthropic(base_url=at, api_key="any", max_retries=0)
    ask = {"model": model, "max_tokens": 1000, "system": "Be brief.", "messages": [{"role": "user", "content": SAYS}]}
    answer = client.messages.create(**ask)
    assert "".join(b.text for b in answer.content if b.type == "text") == VERSE and answer.stop_reason == "end_turn" and answer.usage.output_tokens > 0
    with client.messages.stream(**ask) as stream:
        assert "".join(stream.text_stream) == VERSE
    assert client.messages.count_tokens(model=model, messages=ask["messages"]).input_tokens > 0


def messages_tools(at, model):
    client = anthropic.Anthropic(base_url=at, api_key="any", max_retries=0)
    tools = [{"name": "get_weather", "input_schema": SCHEMA}]
    messages = [{"role": "user", "content": CALLS}]
    ask = {"model": model, "max_tokens": 9000, "tools": tools, "thinking": {"type": "enabled", "budget_tokens": 2000}}
    with client.messages.stream(**ask, messages=messages) as stream:
        first = stream.get_final_message()
    messages += [{"role": "assistant", "content": [b.to_dict() for b in first.content]},
                 {"role": "user", "content": [{"type": "tool_result", "tool_use_id": b.id, "content": weather(b.input)} for b in first.content if b.type == "tool_use"]}]
    second = client.messages.create(**ask, messages=messages)
    assert ANSWERED.search("".join(b.text for b in second.content if b.type == "text")), second


# --- google-genai

def google(at):
    return genai.Client(api_key="any", http_options=types.HttpOptions(base_url=at))


def gemini_text(at, model):
    client = google(at)
    config = types.GenerateContentConfig(system_instruction="Be brief.")
    answer = client.models.generate_content(model=model, contents=SAYS, config=config)
    assert answer.text == VERSE and answer.usage_metadata.total_token_count > 0
    assert "".join(c.text or "" for c in client.models.generate_content_stream(model=model, contents=SAYS, config=config)) == VERSE
    assert client.models.count_tokens(model=model, contents=SAYS).total_tokens > 0


def gemini_tools(at, model):
    client = google(at)
    tool = types.Tool(function_declarations=[types.FunctionDeclaration(name="get_weather", parameters_json_schema=SCHEMA)])
    config = types.GenerateContentConfig(tools=[tool])
    contents = [types.Content(role="user", parts=[types.Part(text=CALLS)])]
    first = client.models.generate_content(model=model, contents=contents, config=config)
    contents += [first.candidates[0].content,
                 types.Content(role="user", parts=[types.Part(function_response=types.FunctionResponse(id=c.id, name=c.name, response={"output": weather(c.args)}))
                                                   for c in first.function_calls])]
    assert ANSWERED.search(client.models.generate_content(model=model, contents=contents, config=config).text)


# --- the streams that they get

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from streams import judge, protocol_of  # noqa: E402


class Noted(httpx2.SyncByteStream):
    """An answer's body that is noted while it is read."""

    def __init__(self, stream, note):
        self.stream, self.note, self.data = stream, note, b""

    def __iter__(self):
        for piece in self.stream:
            self.data += piece
            yield piece
        self.note(self.data, "")
        self.note = None

    def close(self):
        if self.note:  # an SDK may stop at `[DONE]`
            self.note(self.data, "" if self.data.endswith(b"data: [DONE]\n\n") else "c")
            self.note = None
        self.stream.close()


def watch(noted, name):
    """Notes every stream that comes over httpx2, with the session that `name()` tells."""
    send = httpx2.HTTPTransport.handle_request

    def handle(self, request):
        asked = json.loads(request.read() or b"{}")
        response = send(self, request)
        protocol, flags = protocol_of(request.url.raw_path.decode())
        if protocol and response.headers.get("content-type", "").startswith("text/event-stream"):
            flags += "u" if (asked.get("stream_options") or {}).get("include_usage") is True else ""
            flags += "p" if response.headers.get("x-account-email") == protocol else ""
            whose = name()
            response.stream = Noted(response.stream, lambda data, cut: noted.append((whose, protocol, flags + cut, data)))
        return response
    httpx2.HTTPTransport.handle_request = handle


SESSIONS = [chat_text, chat_tools, responses_text, responses_tools, messages_text, messages_tools, gemini_text, gemini_tools]


def start(program, *arguments):
    process = subprocess.Popen([program, *arguments, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    line = process.stdout.readline().decode()
    found = re.search(r"listening on (http://\S+)", line)
    assert found, line
    return process, found.group(1)


def main():
    program, words = sys.argv[1], sys.argv[2:]
    for name in list(os.environ):
        if re.match(r"(OPENAI|ANTHROPIC|GEMINI|GOOGLE|PENSTOCK)_|.*_PROXY$", name, re.I):
            del os.environ[name]
    passed = failed = 0
    noted, name = [], ""
    watch(noted, lambda: name)
    with tempfile.TemporaryDirectory(prefix="penstock-python-") as folder:
        simulator, base = start(program, "simulate")
        accounts = [{"label": w, "provider": "compatible", "wire": w, "base_url": base + ("/v1" if w.startswith("openai-") else ""), "api_key": f"key-{w}",
                     "models": [f"sim-{w}"], **({"project": "p"} if w == "cloudcode" else {})} for w in WIRES]
        pathlib.Path(folder, "gui_config.json").write_text(json.dumps({"accounts": accounts}))
        gateway, at = start(program, "serve", "--data-dir", folder)
        try:
            for wire in WIRES:
                for session in SESSIONS:
                    name = f"{session.__name__} over {wire}"
                    if words and not any(w in name for w in words):
                        continue
                    try:
                        session(at, f"sim-{wire}")
                        passed += 1
                    except Exception:
                        failed += 1
                        print(f"FAILED {name}\n{traceback.format_exc(limit=-4)}", flush=True)
        finally:
            for process in (gateway, simulator):
                process.terminate()
                process.wait(20)
    try:
        print(f"grammar: {judge(program, noted)}")
    except AssertionError as fault:
        failed += 1
        print(f"FAILED every stream keeps to the grammar of its protocol\n{fault}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
