"""Pictures: the names of the image model, OpenAI's calls for models of Google's, pictures in chat answers of each protocol."""
import base64
import json
import threading

from rig import Gateway, Upstream, chunk, whole

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n-a picture-").decode()


def google(parts=None, status="200 OK", wrapped=False):
    """Answers pictures; `held` keeps answers back until so many requests are there."""
    def answer(request, connection):
        up.bodies.append(json.loads(request.body))
        with up.lock:
            up.now += 1
            up.most = max(up.most, up.now)
        up.gate.wait(5)
        with up.lock:
            up.now -= 1
            n = up.answered = up.answered + 1
        if n in up.fails:
            return connection.sendall(whole({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}, "429 Too Many Requests", {"Retry-After": "60"}))
        body = {"candidates": [{"content": {"role": "model", "parts": parts or [{"text": "Here it is"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]}, "finishReason": "STOP", "index": 0}],
                "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 1290, "totalTokenCount": 1300}, "modelVersion": "gemini-3-pro-image"}
        if ":streamGenerateContent" in request.path:
            data = b"data: " + json.dumps({"response": body} if wrapped else body).encode() + b"\r\n\r\n"
            return connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(data) + b"0\r\n\r\n")
        connection.sendall(whole({"response": body} if wrapped else body, status))
    up = Upstream(answer)
    up.bodies, up.now, up.most, up.answered, up.fails, up.lock, up.gate = [], 0, 0, 0, (), threading.Lock(), threading.Event()
    up.gate.set()
    return up


def gateway_of(program, up, wire="gemini", **more):
    account = {"label": "gem", "provider": "gemini", "api_key": "k", "base_url": up.url} if wire == "gemini" else \
        {"label": "gem", "provider": "compatible", "wire": "cloudcode", "api_key": "k", "project": "p", "base_url": up.url}
    return Gateway(program, {"accounts": [{**account, **more}]})


def config(up, i=-1):
    return up.bodies[i].get("request", up.bodies[i]).get("generationConfig", {})


def test_the_names_of_the_image_model_say_size_and_ratio(program):
    for wire in ("gemini", "cloudcode"):
        up = google(wrapped=wire == "cloudcode")
        gateway = gateway_of(program, up, wire)
        try:
            ids = [f"gemini-3-pro-image{s}{r}" for s in ("", "-2k", "-4k") for r in ("", "-1x1", "-4x3", "-3x4", "-16x9", "-9x16", "-21x9")]
            for model in ids:
                status, fields, answer = gateway.call("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": f"draw {model}"}]})
                assert status == 200 and fields["x-mapped-model"] == "gemini-3-pro-image", (model, answer)
                tail = model.removeprefix("gemini-3-pro-image")
                want = {}
                if "k" in tail:
                    want["imageSize"] = tail[1:3].upper()
                if "x" in tail:
                    want["aspectRatio"] = tail.split("-")[-1].replace("x", ":")
                assert config(up).get("imageConfig", {}) == want, (model, up.bodies[-1])
            # Google's own clients, too; what the body says goes first
            body = {"contents": [{"role": "user", "parts": [{"text": "draw"}]}], "generationConfig": {"imageConfig": {"aspectRatio": "1:1"}}}
            assert gateway.call("POST", "/v1beta/models/gemini-3-pro-image-4k-16x9:generateContent", body)[0] == 200
            assert config(up)["imageConfig"] == {"aspectRatio": "1:1", "imageSize": "4K"}, up.bodies[-1]
        finally:
            gateway.clear()


def test_servers_of_openais_wire_are_told_size_and_ratio(program):
    def answer(request, connection):
        body = {"created": 1, "data": []}
        if "chat" in request.path:
            body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}]}
        connection.sendall(whole(body))
    up = Upstream(answer)
    gateway = Gateway(program, {"accounts": [{"label": "a", "provider": "compatible", "wire": "openai-chat", "api_key": "k", "base_url": up.url + "/v1", "models": ["gemini-3-pro-image"]}]})
    try:
        status, fields, answer = gateway.call("POST", "/v1/chat/completions", {"model": "gemini-3-pro-image-4k-16x9", "messages": [{"role": "user", "content": "draw"}]})
        assert status == 200 and "x-penstock-dropped" not in fields, answer
        asked = json.loads(up.requests[-1].body)
        assert (asked["model"], asked["modalities"], asked["image_config"]) == ("gemini-3-pro-image", ["image", "text"], {"aspect_ratio": "16:9", "image_size": "4K"}), asked
        body = {"model": "gemini-3-pro-image-4k", "prompt": "draw"}
        status, fields, answer = gateway.call("POST", "/v1/images/generations", body)
        assert status == 200 and fields["x-penstock-dropped"] == "model", (fields, answer)
        status, _, answer = gateway.call("POST", "/v1/images/generations", body, {"X-Penstock-Strict": "1"})
        assert status == 400 and b"strict mode" in answer, answer
    finally:
        gateway.clear()


def test_pictures_are_made_for_openais_calls(program):
    for wire in ("gemini", "cloudcode"):
        up = google(wrapped=wire == "cloudcode")
        gateway = gateway_of(program, up, wire)
        try:
            ask = {"model": "gemini-3-pro-image", "prompt": "a cat", "size": "1792x1024", "quality": "high", "style": "vivid"}
            status, fields, answer = gateway.call("POST", "/v1/images/generations", ask)
            told = json.loads(answer)
            assert status == 200 and told["data"] == [{"b64_json": PNG}] and told["output_format"] == "png" and told["created"] > 0, answer
            assert told["usage"] == {"input_tokens": 10, "output_tokens": 1290, "total_tokens": 1300}
            assert fields["x-account-email"] == "gem" and fields["x-mapped-model"] == "gemini-3-pro-image" and "style" in fields["x-penstock-dropped"], fields
            assert config(up)["imageConfig"]["aspectRatio"] == "16:9" and "IMAGE" in config(up)["responseModalities"], up.bodies[-1]
            sent = up.bodies[-1].get("request", up.bodies[-1])["contents"]
            assert [p["text"] for p in sent[0]["parts"]] == ["a cat"], sent
            status, _, answer = gateway.call("POST", "/v1/images/generations", {"model": "gemini-3-pro-image-4k-16x9", "prompt": "a cat", "response_format": "url"})
            assert json.loads(answer)["data"] == [{"url": f"data:image/png;base64,{PNG}"}] and config(up)["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "4K"}
            status, fields, answer = gateway.call("POST", "/v1/images/generations", {"model": "gemini-3-pro-image", "prompt": "a cat", "stream": True})
            assert status == 200 and fields["content-type"].startswith("text/event-stream"), fields
            event = json.loads(answer.split(b"data: ", 1)[1])
            assert event["type"] == "image_generation.completed" and event["b64_json"] == PNG and event["usage"]["total_tokens"] == 1300
            for body, param in (({"prompt": ""}, "prompt"), ({}, "prompt"), ({"prompt": "x", "n": 11}, "n"), ({"prompt": "x", "response_format": "jpeg"}, "response_format")):
                status, _, answer = gateway.call("POST", "/v1/images/generations", {"model": "gemini-3-pro-image", **body})
                assert status == 400 and json.loads(answer)["error"]["param"] == param, answer
            status, _, answer = gateway.call("POST", "/v1/images/generations", {**ask, "n": 1}, {"X-Penstock-Strict": "1"})
            assert status == 400 and b"style" in answer, answer
        finally:
            gateway.clear()


def test_pictures_are_changed(program):
    up = google()
    gateway = gateway_of(program, up)
    try:
        boundary = "XyZ"
        form = b"".join(b"--XyZ\r\nContent-Disposition: form-data; " + p + b"\r\n" for p in (
            b'name="model"\r\n\r\ngemini-3-pro-image', b'name="prompt"\r\n\r\nmake it blue', b'name="size"\r\n\r\n1024x1024',
            b'name="image[]"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG-one', b'name="image[]"; filename="b.webp"\r\nContent-Type: image/webp\r\n\r\nRIFF-two',
            b'name="mask"; filename="m.png"\r\nContent-Type: image/png\r\n\r\nmask')) + b"--XyZ--\r\n"
        status, fields, answer = gateway.call("POST", "/v1/images/edits", form, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
        assert status == 200 and json.loads(answer)["data"] == [{"b64_json": PNG}] and "mask" in fields["x-penstock-dropped"], (status, answer, fields)
        parts = up.bodies[-1]["contents"][0]["parts"]
        media = [p["inlineData"] for p in parts if "inlineData" in p]
        assert [(m["mimeType"], base64.b64decode(m["data"])) for m in media] == [("image/png", b"\x89PNG-one"), ("image/webp", b"RIFF-two")], parts
        assert [p["text"] for p in parts if "text" in p] == ["make it blue"] and config(up)["imageConfig"]["aspectRatio"] == "1:1"
        status, _, answer = gateway.call("POST", "/v1/images/edits", {"model": "gemini-3-pro-image", "prompt": "x"})
        assert status == 400 and json.loads(answer)["error"]["param"] == "image", answer
        assert gateway.call("POST", "/v1/images/edits", {"model": "gemini-3-pro-image", "prompt": "x", "images": [{"image_url": f"data:image/png;base64,{PNG}"}]})[0] == 200
    finally:
        gateway.clear()


def test_several_pictures_are_made_side_by_side(program):
    up = google()
    gateway = gateway_of(program, up)
    body = {"model": "gemini-3-pro-image", "prompt": "a cat", "n": 4}
    try:
        up.gate.clear()
        got = []
        client = threading.Thread(target=lambda: got.append(gateway.call("POST", "/v1/images/generations", body)))
        client.start()
        for _ in range(500):
            if up.now == 4:
                break
            threading.Event().wait(0.01)
        assert up.now == 4, "all four run at once"
        up.gate.set()
        client.join()
        status, _, answer = got[0]
        assert status == 200 and len(json.loads(answer)["data"]) == 4 and json.loads(answer)["usage"]["total_tokens"] == 5200, answer
        account = gateway.admin("GET", "/api/accounts/gem")[1]
        assert account["in_flight"] == 0, account
        # what failed is missing, and the account has learned
        up.fails = (up.answered + 4,)
        status, _, answer = gateway.call("POST", "/v1/images/generations", body)
        assert status == 200 and 1 <= len(json.loads(answer)["data"]) <= 3, answer
    finally:
        up.gate.set()
        gateway.clear()


def test_an_account_with_room_for_two_makes_two_at_a_time(program):
    up = google()
    gateway = gateway_of(program, up, max_concurrency=2)
    try:
        status, _, answer = gateway.call("POST", "/v1/images/generations", {"model": "gemini-3-pro-image", "prompt": "a cat", "n": 5})
        assert status == 200 and len(json.loads(answer)["data"]) == 5 and up.most <= 2, (up.most, answer)
    finally:
        gateway.clear()


def test_another_account_makes_it_and_words_are_no_picture(program):
    full, free = google(), google()
    full.fails = range(1, 100)
    gateway = Gateway(program, {"accounts": [{"label": n, "provider": "gemini", "api_key": "k", "base_url": u.url} for n, u in (("full", full), ("free", free))]})
    try:
        status, fields, answer = gateway.call("POST", "/v1/images/generations", {"model": "gemini-3-pro-image", "prompt": "a cat", "n": 3})
        assert status == 200 and fields["x-account-email"] == "free" and len(json.loads(answer)["data"]) == 3, (fields, answer)
        assert gateway.admin("GET", "/api/accounts/full")[1]["in_flight"] == 0
    finally:
        gateway.clear()
    gateway = gateway_of(program, google(parts=[{"text": "I will not draw that."}]))
    try:
        status, _, answer = gateway.call("POST", "/v1/images/generations", {"model": "gemini-3-pro-image", "prompt": "a cat"})
        assert status == 400 and b"the model made no picture: I will not draw that." in answer, answer
    finally:
        gateway.clear()


def test_pictures_in_answers_of_each_protocol(program):
    up = google()
    gateway = gateway_of(program, up)
    url = f"data:image/png;base64,{PNG}"
    try:
        for stream in (False, True):
            _, _, answer = gateway.call("POST", "/v1/chat/completions", {"model": "gemini-3-pro-image", "stream": stream, "messages": [{"role": "user", "content": "draw"}]})
            assert url in answer.decode().replace("\\/", "/"), answer
            _, _, answer = gateway.call("POST", "/v1/responses", {"model": "gemini-3-pro-image", "stream": stream, "input": "draw"})
            assert b"image_generation_call" in answer and PNG in answer.decode().replace("\\/", "/"), answer
            status, _, answer = gateway.call("POST", "/v1/messages", {"model": "gemini-3-pro-image", "max_tokens": 100, "stream": stream, "messages": [{"role": "user", "content": "draw"}]})
            assert status == 200 and b"Here it is" in answer, answer
            path = "streamGenerateContent?alt=sse" if stream else "generateContent"
            _, _, answer = gateway.call("POST", f"/v1beta/models/gemini-3-pro-image:{path}", {"contents": [{"role": "user", "parts": [{"text": "draw"}]}]})
            assert PNG.encode() in answer, answer
    finally:
        gateway.clear()
