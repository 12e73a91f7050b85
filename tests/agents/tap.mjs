// Stands between the agents and the gateway, changes nothing, and notes the streams that come by, for the judge of
// ../sdk/grammar.mjs.
import { createServer, request as ask } from 'node:http';
import { connect } from 'node:net';

// What the client said, as far as the judge asks for it.
function asked(bytes) {
  try {
    return JSON.parse(bytes);
  } catch {
    return {}; // compressed, or no JSON
  }
}

// `caseOf(model)`: { name, passed }, of the case that asks for that model.
export async function tap(gateway, streams, caseOf) {
  const { host, hostname, port } = new URL(gateway); // the gateway answers to its own name alone

  function note(request, body, answer, chunks, whole) {
    if (answer.statusCode !== 200 || !/^text\/event-stream/.test(answer.headers['content-type'] ?? '')) return;
    const said = asked(body);
    const model = said.model ?? /models\/([^:]+):/.exec(request.url)?.[1];
    const { name, passed } = caseOf(model) ?? { name: request.url, passed: false };
    streams.note(name, gateway + request.url, JSON.stringify(said), Buffer.concat(chunks), { passed, whole });
  }

  const server = createServer((request, response) => {
    const sent = [];
    const got = [];
    const { method, url: path } = request;
    const onward = ask({ hostname, port, method, path, headers: { ...request.headers, host } }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.on('data', (chunk) => got.push(chunk));
      answer.once('close', () => note(request, Buffer.concat(sent), answer, got, answer.complete));
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.once('close', () => onward.destroy());
    request.on('data', (chunk) => sent.push(chunk));
    request.pipe(onward);
  });
  // a WebSocket has other frames: its bytes pass
  server.on('upgrade', (request, socket, first) => {
    const onward = connect(port, hostname, () => {
      const fields = Object.entries({ ...request.headers, host }).map(([name, value]) => `${name}: ${value}\r\n`).join('');
      onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${fields}\r\n`);
      onward.write(first);
      onward.pipe(socket).pipe(onward);
    });
    for (const [one, other] of [[socket, onward], [onward, socket]]) one.on('error', () => other.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `http://127.0.0.1:${server.address().port}`;
}
