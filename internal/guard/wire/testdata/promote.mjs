// Runs answers through OpenClaw's own transports and its own promotion of text
// to calls. usage: node promote.mjs DIR < cases, where DIR holds node_modules and
// cases is [{api, body, reasoning, thinking}]; prints the calls it would run.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { readFileSync, readdirSync } from "node:fs";

const root = process.argv[2];
const modules = join(root, "node_modules");
const load = (path) => import(pathToFileURL(path).href);
const claw = await load(join(modules, "@openclaw/ai/dist/transports.mjs"));

// Files and exports of the bundle are named by hashes: find them by content.
async function find(name) {
  const dist = join(modules, "openclaw/dist");
  for (const file of readdirSync(dist).filter((f) => f.endsWith(".mjs"))) {
    const source = readFileSync(join(dist, file), "utf8");
    const exported = source.includes(`\nfunction ${name}(`) && source.match(new RegExp(`\\b${name} as (\\w+)`));
    if (exported) return (await load(join(dist, file)))[exported[1]];
  }
  throw new Error(`this OpenClaw exports no ${name}`);
}
const promote = await find("projectStandalonePlainTextToolCallMessage");

const cases = JSON.parse(readFileSync(0, "utf8"));
const server = createServer((req, res) => {
  const c = cases[Number(req.url.split("/")[1])];
  req.resume();
  req.on("end", () => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.end(Buffer.from(c.body, "base64"));
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${server.address().port}`;

const transports = {
  "openai-completions": claw.createOpenAICompletionsTransportStreamFn(),
  "openai-responses": claw.createOpenAIResponsesTransportStreamFn(),
  "anthropic-messages": claw.createAnthropicMessagesTransportStreamFn(),
};

async function run(c, url) {
  const model = {
    id: "m", name: "m", api: c.api, provider: "lab", baseUrl: c.api === "anthropic-messages" ? url : url + "/v1",
    reasoning: c.reasoning, input: ["text"], cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, contextWindow: 9999, maxTokens: 99,
    compat: { ...(c.thinking ? { thinkingFormat: c.thinking } : {}), visibleReasoningDetailTypes: ["response.output_text"] },
  };
  let last;
  for await (const e of transports[c.api](model, { messages: [{ role: "user", content: "x", timestamp: 1 }], tools: [] }, { apiKey: "x" })) last = e;
  let m = last.message ?? last.error ?? last.partial;
  const error = m.stopReason === "error" ? m.errorMessage : "";
  const promoted = promote({
    message: m,
    allowedStopReasons: new Set(["stop", "toolUse"]),
    allowedToolNames: new Set(["exec", "read"]),
    requireAssistantRole: true,
    isRetainableNonTextBlock: (b) => b.type === "thinking" || b.type === "redacted_thinking",
    createToolCallBlock: (b, name) => ({ type: "toolCall", name, arguments: b.arguments }),
  });
  m = promoted?.message ?? m;
  return { error, stop: m.stopReason, calls: m.content.filter((b) => b.type === "toolCall").map((b) => ({ name: b.name, args: b.arguments })) };
}

const results = new Array(cases.length);
let next = 0;
await Promise.all(Array.from({ length: 8 }, async () => {
  while (next < cases.length) {
    const i = next++;
    try {
      results[i] = await run(cases[i], `${origin}/${i}`);
    } catch (e) {
      results[i] = { error: String(e?.message ?? e), calls: [] };
    }
  }
}));
process.stdout.write(JSON.stringify(results), () => process.exit(0));
