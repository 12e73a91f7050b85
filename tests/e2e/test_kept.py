"""Responses that are kept, so that their clients may go on from them with any account."""
import json

from rig import Gateway, Upstream, whole

CHAT = {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


def response(number, text):
    return {"id": f"resp_up{number}", "object": "response", "created_at": 1, "model": "m-up", "status": "completed", "error": None,
            "output": [{"type": "message", "id": f"msg_up{number}", "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": text, "annotations": []}]}],
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}


def chat(request, connection):
    connection.sendall(whole(CHAT))


def account(upstream, wire, label="a", **more):
    base = upstream.url + ("/v1" if wire.startswith("openai") else "")
    kind = {"provider": "openai"} if wire == "openai-responses" else {"provider": "compatible", "wire": wire}
    return {"label": label, **kind, "base_url": base, "api_key": f"k-{label}", **more}


def run(program, accounts, test, **settings):
    gateway = Gateway(program, {"accounts": accounts, "workers": 1, **settings})
    try:
        test(gateway)
    finally:
        gateway.clear()


def ask(gateway, body, key=None, path="/v1/responses", method="POST"):
    status, fields, text = gateway.call(method, path, None if body is None else json.dumps(body).encode(),
                                        {"Authorization": f"Bearer {key}"} if key else {})
    return status, fields, json.loads(text)


def last_event(text):
    return json.loads(text.decode().strip().split("\n\n")[-1].split("data: ", 1)[1])


def test_losses_of_what_the_client_did_not_send_are_named_apart(program):
    upstream = Upstream(chat)

    def check(gateway):
        tool = {"type": "tool_search_call", "id": "ts_1", "arguments": {}}  # over this wire nobody understands it
        _, fields, first = ask(gateway, {"model": "m", "input": [{"role": "user", "content": "one"}, tool]})
        assert fields["x-penstock-dropped"] == "input[1]~", fields
        # the items of before: its input, its output
        _, fields, second = ask(gateway, {"model": "m", "previous_response_id": first["id"], "input": [{"role": "user", "content": "two"}, {**tool, "id": "ts_2"}]})
        assert fields["x-penstock-dropped"] == "previous_response_id[1]~,input[1]~", fields
        _, fields, _ = ask(gateway, {"model": "m", "previous_response_id": second["id"], "input": "three"})
        assert fields["x-penstock-dropped"] == "previous_response_id[1]~,previous_response_id[4]~", fields
        # complaints, too: of the client's own place
        wrong = {"model": "m", "previous_response_id": first["id"], "input": [{"role": "user", "content": "two"}, {"role": "user", "content": [{"type": "input_image"}]}]}
        status, _, fault = ask(gateway, wrong)
        assert status == 400 and fault["error"]["param"].startswith("input[1].content[0]"), fault
        status, fields, fault = gateway.call("POST", "/v1/responses", {**wrong, "input": "two"}, {"X-Penstock-Strict": "1"})
        assert status == 400 and json.loads(fault)["error"]["param"] == "previous_response_id[1]", fault
    run(program, [account(upstream, "openai-chat")], check)


def test_a_stateless_wire_is_told_what_was_said_before(program):
    upstream = Upstream(chat)

    def check(gateway):
        status, fields, first = ask(gateway, {"model": "m", "input": "one"})
        assert status == 200 and first["store"] is True and "x-penstock-dropped" not in fields, (status, fields, first)
        status, _, second = ask(gateway, {"model": "m", "previous_response_id": first["id"], "input": [{"role": "user", "content": "two"}]})
        assert status == 200 and second["previous_response_id"] == first["id"], second
        status, _, third = ask(gateway, {"model": "m", "previous_response_id": second["id"], "input": "three"})
        assert status == 200, third
        said = [(m["role"], m["content"]) for m in json.loads(upstream.requests[-1].body)["messages"]]
        assert said == [("user", "one"), ("assistant", "Yes."), ("user", "two"), ("assistant", "Yes."), ("user", "three")], said
        # an item of before by its id
        status, _, _ = ask(gateway, {"model": "m", "input": [{"role": "user", "content": "one"},
                                                             {"type": "item_reference", "id": first["output"][0]["id"]},
                                                             {"role": "user", "content": "two"}]})
        said = [(m["role"], m["content"]) for m in json.loads(upstream.requests[-1].body)["messages"]]
        assert status == 200 and said == [("user", "one"), ("assistant", "Yes."), ("user", "two")], said
        # what is kept can be looked at, and be given up
        assert ask(gateway, None, path=f"/v1/responses/{third['id']}", method="GET")[2] == third
        items = ask(gateway, None, path=f"/v1/responses/{third['id']}/input_items?order=asc", method="GET")[2]
        assert [i["role"] for i in items["data"]] == ["user", "assistant", "user", "assistant", "user"], items
        assert items["first_id"] == items["data"][0]["id"] and not items["has_more"], items
        page = ask(gateway, None, path=f"/v1/responses/{third['id']}/input_items?limit=2", method="GET")[2]
        assert page["has_more"] and page["data"] == items["data"][:2:-1], page
        after = ask(gateway, None, path=f"/v1/responses/{third['id']}/input_items?limit=5&after={page['last_id']}", method="GET")[2]
        assert after["data"] == items["data"][2::-1] and not after["has_more"], after
        assert ask(gateway, None, path=f"/v1/responses/{third['id']}/input_items?limit=0", method="GET")[0] == 400
        assert ask(gateway, {}, path=f"/v1/responses/{third['id']}/cancel")[0] == 400
        assert ask(gateway, None, path=f"/v1/responses/{third['id']}", method="DELETE")[2] == {"id": third["id"], "object": "response", "deleted": True}
        assert ask(gateway, None, path=f"/v1/responses/{third['id']}", method="GET")[0] == 404
        assert gateway.call("PUT", f"/v1/responses/{third['id']}", b"{}")[0] == 405
    try:
        run(program, [account(upstream, "openai-chat")], check)
    finally:
        upstream.close()


def test_a_stream_is_kept_too_and_store_false_keeps_nothing(program):
    upstream = Upstream(chat)

    def check(gateway):
        for keeps in (True, False):
            _, _, text = gateway.call("POST", "/v1/responses", json.dumps({"model": "m", "stream": True, "input": "one", "store": keeps}).encode())
            end = last_event(text)
            assert end["type"] == "response.completed" and end["response"]["store"] is keeps, end
            status, _, found = ask(gateway, None, path=f"/v1/responses/{end['response']['id']}", method="GET")
            assert (status, found if keeps else None) == ((200, end["response"]) if keeps else (404, None)), (status, found)
            status, _, answer = ask(gateway, {"model": "m", "previous_response_id": end["response"]["id"], "input": "two"})
            assert status == (200 if keeps else 400), answer
            assert keeps or answer["error"]["code"] == "previous_response_not_found", answer
    try:
        run(program, [account(upstream, "openai-chat")], check)
    finally:
        upstream.close()


def test_an_account_that_keeps_responses_gets_the_id_and_another_one_gets_the_words(program):
    numbers = iter(range(1, 100))
    keeping = Upstream(lambda r, c: c.sendall(whole(response(next(numbers), "Kept."))))
    other = Upstream(chat)

    def check(gateway):
        body = b'{"model":"m", "input":"hello there, you"}'
        _, _, first = gateway.call("POST", "/v1/responses", body)
        first = json.loads(first)
        assert keeping.requests[-1].body == body and first["id"] == "resp_up1", first
        again = b'{"model":"m","previous_response_id" : "resp_up1", "input":"and again"}'
        status, _, text = gateway.call("POST", "/v1/responses", again)
        assert status == 200 and keeping.requests[-1].body == again, text
        # the model's name is the client's, also in what is kept
        assert ask(gateway, None, path="/v1/responses/resp_up2", method="GET")[2]["model"] == "m"
        assert gateway.command("fixed", "set", "other").returncode == 0
        status, _, third = ask(gateway, {"model": "m", "previous_response_id": "resp_up2", "input": "and more"})
        assert status == 200, third
        said = [(m["role"], m["content"]) for m in json.loads(other.requests[-1].body)["messages"]]
        assert said == [("user", "hello there, you"), ("assistant", "Kept."), ("user", "and again"), ("assistant", "Kept."), ("user", "and more")], said
        # … and back: the provider does not know what the other account said
        assert gateway.command("fixed", "set", "keeps").returncode == 0
        status, _, fourth = ask(gateway, {"model": "m", "previous_response_id": third["id"], "input": "last"})
        sent = json.loads(keeping.requests[-1].body)
        assert status == 200 and "previous_response_id" not in sent and len(sent["input"]) == 7, sent
    try:
        run(program, [account(keeping, "openai-responses", "keeps"), account(other, "openai-chat", "other")], check)
    finally:
        keeping.close()
        other.close()


def test_what_a_provider_has_forgotten_it_is_told(program):
    def answer(request, connection):
        if "previous_response_id" in json.loads(request.body):
            connection.sendall(whole({"error": {"message": "Previous response with id 'resp_up1' not found.", "type": "invalid_request_error",
                                                "param": "previous_response_id", "code": "previous_response_not_found"}}, "400 Bad Request"))
        else:
            connection.sendall(whole(response(1, "Hm.")))
    upstream = Upstream(answer)

    def check(gateway):
        ask(gateway, {"model": "m", "input": "one"})
        status, fields, _ = ask(gateway, {"model": "m", "previous_response_id": "resp_up1", "input": "two"})
        sent = json.loads(upstream.requests[-1].body)
        assert status == 200 and len(upstream.requests) == 3 and len(sent["input"]) == 3, (status, sent)
    try:
        run(program, [account(upstream, "openai-responses")], check)
    finally:
        upstream.close()


def test_a_key_finds_only_what_is_its_own(program):
    upstream = Upstream(chat)
    keys = [{"name": "ada", "key": "sk-ada-000000000000000000000000"}, {"name": "ben", "key": "sk-ben-000000000000000000000000"}]

    def check(gateway):
        ada, ben = keys[0]["key"], keys[1]["key"]
        _, _, first = ask(gateway, {"model": "m", "input": "one"}, ada)
        path = f"/v1/responses/{first['id']}"
        assert ask(gateway, None, ada, path, "GET")[0] == 200
        for method in ("GET", "DELETE"):
            assert ask(gateway, None, ben, path, method)[0] == 404, method
        status, _, answer = ask(gateway, {"model": "m", "previous_response_id": first["id"], "input": "two"}, ben)
        assert status == 400 and answer["error"]["code"] == "previous_response_not_found", answer
        status, _, answer = ask(gateway, {"model": "m", "input": [{"type": "item_reference", "id": first["output"][0]["id"]}]}, ben)
        assert status == 400 and answer["error"]["param"] == "input[0]", answer
        assert len(upstream.requests) == 1
        assert ask(gateway, {"model": "m", "previous_response_id": first["id"], "input": "two"}, ada)[0] == 200
    try:
        run(program, [account(upstream, "openai-chat")], check, client_keys=keys)
    finally:
        upstream.close()


def test_it_is_bounded_and_can_be_switched_off(program):
    upstream = Upstream(chat)

    def check(gateway):
        ids = [ask(gateway, {"model": "m", "input": "one"})[2]["id"] for _ in range(4)]
        found = [ask(gateway, None, path=f"/v1/responses/{i}", method="GET")[0] for i in ids]
        assert found == [404, 404, 200, 200], found

    def off(gateway):
        _, _, first = ask(gateway, {"model": "m", "input": "one"})
        assert first["store"] is False and ask(gateway, None, path=f"/v1/responses/{first['id']}", method="GET")[0] == 404
    try:
        run(program, [account(upstream, "openai-chat")], check, proxy={"responses": {"kept": 2}})
        run(program, [account(upstream, "openai-chat")], off, proxy={"responses": {"kept": 0}})
    finally:
        upstream.close()


def test_a_server_without_compact_still_answers(program):
    """A compatible server need not have the path: its 404 does not lock the model for everybody else."""
    def answer(request, connection):
        if request.path.endswith("/compact"):
            connection.sendall(whole({"error": {"message": "Unknown request URL.", "type": "invalid_request_error"}}, "404 Not Found"))
        else:
            connection.sendall(whole(response(1, "Hm.")))
    upstream = Upstream(answer)

    def check(gateway):
        assert ask(gateway, {"model": "m", "input": "one"}, path="/v1/responses/compact")[0] == 404
        status, fields, answer = ask(gateway, {"model": "m", "input": "one"})
        assert status == 200 and fields["x-penstock-attempts"] == "1", answer
    try:
        run(program, [account(upstream, "openai-responses")], check)
    finally:
        upstream.close()


def test_a_conversation_is_made_shorter_where_an_account_can(program):
    def answer(request, connection):
        if request.path.endswith("/compact"):
            connection.sendall(whole({"id": "resp_c", "object": "response.compaction", "created_at": 1,
                                      "output": [{"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAAx"}],
                                      "usage": {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10}}))
        else:
            connection.sendall(whole(response(1, "Hm.")))
    upstream, other = Upstream(answer), Upstream(chat)

    def check(gateway):
        body = b'{"model":"m", "input":[{"role":"user","content":"one"}], "instructions":"x"}'
        status, fields, text = gateway.call("POST", "/v1/responses/compact", body)
        assert status == 200 and json.loads(text)["output"][0]["type"] == "compaction", text
        assert upstream.requests[-1].path == "/v1/responses/compact" and upstream.requests[-1].body == body
        ask(gateway, {"model": "m", "input": "one"})
        status, _, _ = ask(gateway, {"model": "m", "previous_response_id": "resp_up1"}, path="/v1/responses/compact")
        sent = json.loads(upstream.requests[-1].body)
        assert status == 200 and len(sent["input"]) == 2 and "previous_response_id" not in sent, sent
        status, _, answer = ask(gateway, {"model": "only-chat", "input": "one"}, path="/v1/responses/compact")
        assert status == 501 and other.requests == [], answer
        status, _, answer = ask(gateway, {"model": "nowhere", "input": "one"}, path="/v1/responses/compact")
        assert status == 400 and answer["error"]["code"] == "model_not_found", answer
    try:
        run(program, [account(upstream, "openai-responses", models=["m"]), account(other, "openai-chat", "b", models=["only-chat"])], check)
    finally:
        upstream.close()
        other.close()
