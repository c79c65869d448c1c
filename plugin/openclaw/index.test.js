// Run with `node --test plugin/openclaw`.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";
import { test } from "node:test";

import plugin, { beforeAgentRun, beforeInstall, beforeToolCall, messageSending, modelCallEnded, modelCallStarted, replyPayloadSending, stopped, toolResult } from "./index.js";

// door answers like Seawall's, or not; asked holds what it was asked.
async function door(t, answer) {
  const asked = [];
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    asked.push({ path: request.url, authorization: request.headers.authorization, body: JSON.parse(body) });
    answer(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { config: { endpoint: `http://127.0.0.1:${server.address().port}/.hook`, token: "t" }, asked };
}

const event = { toolName: "exec", params: { command: "ls" }, toolCallId: "c1", runId: "r1" };
const ctx = { agentId: "main", sessionKey: "agent:main:main", trace: { traceId: "0af7", spanId: "b7ad" } };

test("a yes lets the call run, as it stands", async (t) => {
  const { config, asked } = await door(t, (r) => r.end('{"allow":true}'));
  assert.equal(await beforeToolCall(config, event, ctx), undefined);
  assert.deepEqual(asked, [{
    path: "/.hook/v1/tool-call",
    authorization: "Bearer t",
    body: { trace: "0af7", tool: "exec", params: { command: "ls" }, toolCallId: "c1", runId: "r1", sessionKey: "agent:main:main", agentId: "main" },
  }]);
});

test("a no blocks it, with the door's sentence", async (t) => {
  const { config } = await door(t, (r) => { r.statusCode = 401; r.end('{"block":true,"reason":"Stopped: x."}'); });
  assert.deepEqual(await beforeToolCall(config, event, ctx), { block: true, blockReason: "Stopped: x." });
});

for (const [name, answer] of Object.entries({
  "nothing": (r) => r.end(),
  "no JSON": (r) => r.end("<html>"),
  "a text": (r) => r.end('"allow"'),
  "null": (r) => r.end("null"),
  "almost a yes": (r) => r.end('{"allow":"true"}'),
  "both": (r) => r.end('{"allow":true,"block":true}'),
  "half an answer": (r) => { r.setHeader("content-length", 100); r.write('{"allow":true}'); r.destroy(); },
  "no end": (r) => { r.write('{"allow":true}' + " ".repeat(1 << 17)); },
})) {
  test(`anything else blocks it: ${name}`, async (t) => {
    const { config } = await door(t, answer);
    const result = await beforeToolCall(config, event, ctx);
    assert.equal(result.block, true);
    assert.match(result.blockReason, /^Stopped: exec\. Because: .*seawall up.*seawall disconnect/);
  });
}

test("a call waits as long as the door does", async (t) => {
  const { config } = await door(t, (r) => {
    r.write("\n");
    setTimeout(() => r.write("\n"), 50);
    setTimeout(() => r.end('{"allow":true}'), 100);
  });
  assert.equal(await beforeToolCall(config, event, ctx), undefined);
});

test("a call that is no longer wanted does not wait, and does not run", async (t) => {
  const wanted = new AbortController();
  const { config } = await door(t, (r) => { r.write("\n"); wanted.abort(); });
  const result = await beforeToolCall(config, event, { ...ctx, abortSignal: wanted.signal });
  assert.equal(result.block, true);
});

test("a closed door blocks it, and names the commands", async () => {
  const result = await beforeToolCall({ endpoint: "http://127.0.0.1:1/.hook", token: "t" }, event, ctx);
  assert.deepEqual(result, { block: true, blockReason: stopped("exec") });
});

test("no configuration, and arguments that are no JSON, block it", async (t) => {
  assert.equal((await beforeToolCall({}, event, ctx)).block, true);
  const { config, asked } = await door(t, (r) => r.end('{"allow":true}'));
  const loop = {};
  loop.loop = loop;
  assert.equal((await beforeToolCall(config, { ...event, params: loop }, ctx)).block, true);
  assert.equal((await beforeToolCall(config, { ...event, params: { n: 1n } }, ctx)).block, true);
  assert.equal((await beforeToolCall(config, undefined, ctx)).block, true);
  assert.equal(asked.length, 0);
});

test("a sentence fits a phone and holds nothing that could be a call", () => {
  const s = stopped("<function=exec>[x]".repeat(20));
  assert.ok(s.length <= 200, s);
  assert.doesNotMatch(s, /[<>[\]{}`]/);
});

const begun = { prompt: "hello", senderIsOwner: true, senderId: "7", channelId: "chat-1" };
const where = { ...ctx, channel: "telegram", workspaceDir: "/home/claw/ws" };

test("a run is vouched for, before it begins", async (t) => {
  const { config, asked } = await door(t, (r) => r.end('{"allow":true}'));
  assert.equal(await beforeAgentRun(config, begun, where), undefined);
  const body = { trace: "0af7", prompt: "hello", senderIsOwner: true, senderId: "7", channelId: "telegram chat-1", workspaceDir: "/home/claw/ws", sessionKey: "agent:main:main", agentId: "main" };
  assert.deepEqual(asked, [{ path: "/.hook/v1/run", authorization: "Bearer t", body }]);
  for (const owner of [false, undefined, null, "true", 1]) {
    await beforeAgentRun(config, { ...begun, senderIsOwner: owner }, where);
    assert.equal(asked.at(-1).body.senderIsOwner, false);
  }
});

test("a run that cannot be vouched for does not begin", async (t) => {
  const { config } = await door(t, (r) => r.end('{"allow":"yes"}'));
  const result = await beforeAgentRun(config, begun, where);
  assert.equal(result.outcome, "block");
  assert.match(result.message, /^Stopped: this message\. Because: /);
  assert.equal((await beforeAgentRun({ endpoint: "http://127.0.0.1:1/.hook", token: "t" }, undefined, undefined)).outcome, "block");
  const no = await door(t, (r) => r.end('{"block":true,"reason":"Stopped: x."}'));
  assert.equal((await beforeAgentRun(no.config, begun, where)).message, "Stopped: x.");
});

test("the plugin's own sentence is in the language that the door last spoke", async (t) => {
  const { config } = await door(t, (r) => r.end('{"allow":true,"language":"de"}'));
  await beforeToolCall(config, event, ctx);
  const result = await beforeToolCall({ endpoint: "http://127.0.0.1:1/.hook", token: "t" }, event, ctx);
  assert.equal(result.blockReason, "Gestoppt: exec. Weil: Seawall nicht antwortet. Du kannst: seawall up starten, oder mit seawall disconnect ohne Seawall arbeiten.");
  assert.ok(stopped("x".repeat(99)).length <= 200);
  for (const language of ["xx", "constructor", 1, "en"]) {
    const other = await door(t, (r) => r.end(JSON.stringify({ allow: true, language })));
    await beforeToolCall(other.config, event, ctx);
    assert.match(stopped("exec"), language === "en" ? /^Stopped: / : /^Gestoppt: /);
  }
});

test("each model call is told of, and a closed door is no error", async (t) => {
  const { config, asked } = await door(t, (r) => r.end('{"allow":true}'));
  await modelCallStarted(config, { provider: "chat", model: "m", sessionKey: "s" }, ctx);
  assert.deepEqual(asked[0].body, { trace: "0af7", span: "b7ad", provider: "chat", model: "m", sessionKey: "s" });
  await modelCallStarted({ endpoint: "http://127.0.0.1:1", token: "t" }, {}, undefined);
});

const cut = (r) => r.end('{"allow":true,"texts":["[secret]"]}');
const closed = { endpoint: "http://127.0.0.1:1/.hook", token: "t" };

test("what goes out is what the door leaves of it", async (t) => {
  const { config, asked } = await door(t, cut);
  const where = { sessionKey: "s", channelId: "telegram", trace: { traceId: "0af7" } };
  assert.deepEqual(await messageSending(config, { to: "7", content: "a key" }, where), { content: "[secret]" });
  assert.deepEqual(asked[0], { path: "/.hook/v1/message", authorization: "Bearer t", body: { trace: "0af7", texts: ["a key"], sessionKey: "s", channelId: "telegram" } });
  assert.equal(await messageSending(config, { content: "[secret]" }, where), undefined);
  assert.equal(await messageSending(config, { content: "" }, where), undefined);
  assert.match((await messageSending(closed, { content: "a key" }, where)).content, /seawall up/);

  const two = await door(t, (r) => r.end('{"allow":true,"texts":["x","[secret]"]}'));
  const payload = { text: "x", n: 1, presentation: { blocks: ["a key", null] } };
  assert.deepEqual(await replyPayloadSending(two.config, { payload }, where), { payload: { text: "x", n: 1, presentation: { blocks: ["[secret]", null] } } });
  assert.match((await replyPayloadSending(config, { payload }, where)).payload.text, /seawall up/); // one text for two
  assert.equal(await replyPayloadSending(config, { payload: {} }, where), undefined);
});

test("what is installed is read, and installed on a clear yes", async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), "skill-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, "SKILL.md"), "# Skill");
  await writeFile(path.join(folder, "x.bin"), Buffer.from([1, 0, 2]));
  const { config, asked } = await door(t, (r) => r.end('{"allow":true}'));
  const event = { targetType: "skill", targetName: "weather", sourcePath: folder, origin: "path", request: { kind: "skill-install", mode: "install", requestedSpecifier: "@x/weather" } };
  assert.equal(await beforeInstall(config, event), undefined);
  assert.deepEqual(asked[0].body, { install: { action: "install", kind: "skill", name: "weather", spec: "@x/weather", source: "path" }, texts: ["# Skill"] });
  assert.equal((await beforeInstall(closed, event)).block, true);
  assert.equal((await beforeInstall(config, { ...event, sourcePath: path.join(folder, "none") })).block, true);
  assert.equal((await beforeInstall(config, undefined)), undefined);
});

test("a result is read where the door asks for it, once", async (t) => {
  const { config, asked } = await door(t, (r) => r.end('{"allow":true,"scan":true,"texts":["[secret]"]}'));
  const image = { type: "image", data: "x" };
  const brought = { toolCallId: "c1", toolName: "exec", result: { content: [image, { type: "text", text: "a key" }], details: 1 } };
  const gone = { result: { content: [image, { type: "text", text: "[secret]" }], details: 1 } };
  assert.equal(await toolResult(config, brought), undefined);
  assert.equal(asked.length, 0);
  await beforeToolCall(config, event, ctx);
  assert.deepEqual(await toolResult(config, brought), gone);
  assert.deepEqual(asked[1].body, { trace: "0af7", tool: "exec", texts: ["a key"], sessionKey: "agent:main:main", agentId: "main" });
  assert.equal(await toolResult(config, brought), undefined);
  await beforeToolCall(config, event, ctx);
  assert.match((await toolResult(closed, brought)).result.content[1].text, /seawall up/);
});

test("a call is told of again when it was ended before its answer began", async (t) => {
  const { config, asked } = await door(t, (r) => r.end('{"allow":true}'));
  await modelCallEnded(config, { outcome: "completed" }, ctx);
  await modelCallEnded(config, { outcome: "error", failureKind: "timeout" }, ctx);
  await modelCallEnded(config, { outcome: "error", failureKind: "aborted", timeToFirstByteMs: 0, responseStreamBytes: 10 }, ctx);
  assert.deepEqual(asked, []);
  await modelCallEnded(config, { outcome: "error", failureKind: "aborted" }, ctx);
  assert.deepEqual(asked[0].body, { trace: "0af7", span: "b7ad", aborted: true });
  await modelCallEnded({ endpoint: "http://127.0.0.1:1", token: "t" }, { failureKind: "aborted" }, undefined);
});

test("it registers its hooks, those that decide ahead of others", () => {
  const on = [];
  const middleware = [];
  plugin.register({
    pluginConfig: {},
    on: (name, _f, options) => on.push([name, options?.priority, options?.timeoutMs]),
    registerAgentToolResultMiddleware: (_f, options) => middleware.push(options),
  });
  assert.deepEqual(on, [
    ["before_tool_call", 1000, 600000], ["before_agent_run", 1000, undefined], ["before_install", 1000, 600000],
    ["message_sending", -1000, undefined], ["reply_payload_sending", -1000, undefined], ["model_call_started", undefined, undefined],
    ["model_call_ended", undefined, undefined],
  ]);
  assert.deepEqual(middleware, [{ runtimes: ["openclaw"] }]);
});
