// Reads answers as OpenClaw's runner does, with its own code: transport, calls
// in text, repair of arguments, names. usage: node run.mjs DIR < cases, where
// DIR holds node_modules and cases is [{api, base, tools}]; prints the calls that
// it would run of each: [{error, stop, text, calls: [{name, args}]}].
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { readFileSync, readdirSync } from "node:fs";

const modules = join(process.argv[2], "node_modules");
const dist = join(modules, "openclaw/dist");

// The bundle exports little of what it is made of: say what else.
const wanted = {
  wrapStreamFnPromoteStandaloneTextToolCalls: 0, wrapStreamFnTrimToolCallNames: 0, wrapStreamFnRepairMalformedToolCallArguments: 0,
  shouldRepairMalformedToolCallArguments: 0, stripMalformedXmlArgValueSuffixFromKeys: 0, XML_ARG_VALUE_EXEC_PARAM_KEYS: 0, normalizeFileToolPathParam: 0,
};
const files = new Map();
for (const file of readdirSync(dist).filter((f) => f.endsWith(".mjs"))) {
  const source = readFileSync(join(dist, file), "utf8");
  for (const name of Object.keys(wanted)) {
    if (!new RegExp(`^(?:async )?(?:function|const) ${name}\\b`, "m").test(source)) continue;
    files.set(file, [...(files.get(file) ?? []), name]);
  }
}
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const names = files.get(url.split("/").pop());
    if (!names || !url.includes("/openclaw/dist/")) return loaded;
    return { ...loaded, source: `${loaded.source}\nexport { ${names.map((n) => `${n} as seawall_${n}`).join(", ")} };\n` };
  },
});
for (const [file, names] of files) {
  const module = await import(pathToFileURL(join(dist, file)).href);
  for (const name of names) wanted[name] = module[`seawall_${name}`];
}
for (const [name, f] of Object.entries(wanted)) if (!f) throw new Error(`this OpenClaw has no ${name}`);

const claw = await import(pathToFileURL(join(modules, "@openclaw/ai/dist/transports.mjs")).href);
const transports = {
  "openai-completions": claw.createOpenAICompletionsTransportStreamFn(),
  "openai-responses": claw.createOpenAIResponsesTransportStreamFn(),
  "anthropic-messages": claw.createAnthropicMessagesTransportStreamFn(),
};

// What single tools do to their arguments before they act.
const prepare = {
  exec: (args) => wanted.stripMalformedXmlArgValueSuffixFromKeys(args, wanted.XML_ARG_VALUE_EXEC_PARAM_KEYS),
  ...Object.fromEntries(["read", "write", "edit"].map((name) => [name, (args) => (typeof args.path === "string" ? { ...args, path: wanted.normalizeFileToolPathParam(args.path) } : args)])),
};

async function run(c) {
  const allowed = new Set(c.tools);
  const model = {
    id: "m", name: "m", api: c.api, provider: "lab", baseUrl: c.base,
    reasoning: true, input: ["text"], cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, contextWindow: 99999, maxTokens: 999,
  };
  let streamFn = wanted.wrapStreamFnPromoteStandaloneTextToolCalls(transports[c.api], allowed);
  streamFn = wanted.wrapStreamFnTrimToolCallNames(streamFn, allowed, { unknownToolThreshold: 10 });
  if (wanted.shouldRepairMalformedToolCallArguments({ provider: "lab", modelApi: c.api })) streamFn = wanted.wrapStreamFnRepairMalformedToolCallArguments(streamFn);
  const tools = c.tools.map((name) => ({ name, description: name, parameters: { type: "object", properties: {} } }));
  const stream = await streamFn(model, { messages: [{ role: "user", content: "go on", timestamp: 1 }], tools }, { apiKey: "x" });
  for await (const _ of stream);
  const m = await stream.result();
  // src/agents/agent-core: calls run where the message ends in toolUse.
  const runs = m.stopReason === "toolUse" ? m.content.filter((b) => b.type === "toolCall" && allowed.has(b.name)) : [];
  return {
    stop: m.stopReason,
    error: m.stopReason === "error" ? m.errorMessage : "",
    text: m.content.filter((b) => b.type === "text").map((b) => b.text).join(""),
    calls: runs.map((b) => ({ name: b.name, args: (prepare[b.name] ?? ((x) => x))(b.arguments) })),
  };
}

const cases = JSON.parse(readFileSync(0, "utf8"));
const results = new Array(cases.length);
let next = 0;
await Promise.all(Array.from({ length: 4 }, async () => {
  while (next < cases.length) {
    const i = next++;
    try {
      results[i] = await run(cases[i]);
    } catch (e) {
      results[i] = { error: String(e?.message ?? e), calls: [] };
    }
  }
}));
process.stdout.write(JSON.stringify(results), () => process.exit(0));
