// Reads answers as the programs do that get them: the official SDK of each
// format and OpenClaw's own transport. usage: node readers.mjs DIR < cases,
// where DIR holds node_modules and cases is [{api, stream, body}]; prints what
// each reader made of each case.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { readFileSync } from "node:fs";

const root = process.argv[2];
const load = (name) => import(pathToFileURL(join(root, "node_modules", name)).href);
const { default: OpenAI } = await load("openai/index.mjs");
const { default: Anthropic } = await load("@anthropic-ai/sdk/index.mjs");
const claw = await load("@openclaw/ai/dist/transports.mjs");

const cases = JSON.parse(readFileSync(0, "utf8"));
const server = createServer((req, res) => {
  const c = cases[Number(req.url.split("/")[1])];
  req.resume();
  req.on("end", () => {
    res.writeHead(200, { "content-type": c.stream ? "text/event-stream" : "application/json" });
    res.end(Buffer.from(c.body, "base64"));
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${server.address().port}`;

const parsed = (s) => { try { return JSON.parse(s); } catch { return s; } };

const sdk = {
  async "openai-completions"(c, url) {
    const client = new OpenAI({ apiKey: "x", baseURL: url + "/v1", maxRetries: 0 });
    const body = { model: "m", messages: [{ role: "user", content: "x" }], n: c.n };
    const answer = c.stream
      ? await client.chat.completions.stream(body).finalChatCompletion()
      : await client.chat.completions.create(body);
    const out = { text: "", calls: [], stop: answer.choices[0]?.finish_reason };
    for (const choice of answer.choices) {
      out.text += choice.message.content ?? "";
      for (const call of choice.message.tool_calls ?? []) {
        const f = call.function ?? call.custom;
        out.calls.push({ name: f.name, args: parsed(f.arguments ?? f.input) });
      }
      if (choice.message.function_call) {
        const f = choice.message.function_call;
        out.calls.push({ name: f.name, args: parsed(f.arguments) });
      }
    }
    return out;
  },
  async "openai-responses"(c, url) {
    const client = new OpenAI({ apiKey: "x", baseURL: url + "/v1", maxRetries: 0 });
    const body = { model: "m", input: "x" };
    const out = { text: "", calls: [] };
    let answer;
    if (c.stream) {
      const sequence = [];
      const stream = client.responses.stream(body);
      stream.on("event", (e) => sequence.push(e.sequence_number));
      answer = await stream.finalResponse();
      out.gap = sequence.some((n, i) => n !== undefined && n !== sequence[0] + i);
    } else {
      answer = await client.responses.create(body);
    }
    out.kinds = answer.output.map((item) => item.type);
    out.stop = answer.status;
    for (const item of answer.output) {
      if (item.type === "message") out.text += item.content.map((p) => p.text ?? p.refusal).join("");
      if (item.type === "function_call") out.calls.push({ name: item.name, args: parsed(item.arguments) });
      if (item.type === "custom_tool_call") out.calls.push({ name: item.name, args: parsed(item.input) });
      if (item.type === "local_shell_call") out.calls.push({ name: "local_shell", args: item.action });
    }
    return out;
  },
  async "anthropic-messages"(c, url) {
    const client = new Anthropic({ apiKey: "x", baseURL: url, maxRetries: 0 });
    const body = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "x" }] };
    const answer = c.stream ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
    const out = { text: "", calls: [], stop: answer.stop_reason, kinds: answer.content.map((b) => b.type) };
    for (const b of answer.content) {
      if (b.type === "text") out.text += b.text;
      if (b.type === "tool_use") out.calls.push({ name: b.name, args: b.input });
    }
    return out;
  },
};

const transports = {
  "openai-completions": claw.createOpenAICompletionsTransportStreamFn(),
  "openai-responses": claw.createOpenAIResponsesTransportStreamFn(),
  "anthropic-messages": claw.createAnthropicMessagesTransportStreamFn(),
};

async function openclaw(c, url) {
  const model = {
    id: "m", name: "m", api: c.api, provider: "lab", baseUrl: c.api === "anthropic-messages" ? url : url + "/v1",
    reasoning: true, input: ["text"], cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, contextWindow: 9999, maxTokens: 99,
  };
  const context = { messages: [{ role: "user", content: "x", timestamp: 1 }], tools: [] };
  let last;
  for await (const e of transports[c.api](model, context, { apiKey: "x" })) last = e;
  const m = last.message ?? last.error ?? last.partial;
  const out = { text: "", calls: [], stop: m.stopReason };
  if (m.stopReason === "error") out.error = m.errorMessage;
  for (const b of m.content) {
    if (b.type === "text") out.text += b.text;
    if (b.type === "toolCall") out.calls.push({ name: b.name, args: b.arguments, id: b.id });
  }
  return out;
}

const guard = async (f) => { try { return await f(); } catch (e) { return { text: "", calls: [], error: String(e?.message ?? e) }; } };
const results = [];
for (const [i, c] of cases.entries()) {
  const url = `${origin}/${i}`;
  results.push({
    sdk: await guard(() => sdk[c.api](c, url)),
    openclaw: c.stream ? await guard(() => openclaw(c, url)) : undefined,
  });
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));
