// Asks by the official SDKs, as programs do that are written with them. usage:
// node alone.mjs DIR < [{api, base, key, stream, prompt, tool}], where DIR holds
// node_modules; prints for each {text, calls: ["name args"], stop, error}.
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { readFileSync } from "node:fs";

const load = (name) => import(pathToFileURL(join(process.argv[2], "node_modules", name)).href);
const { default: OpenAI } = await load("openai/index.mjs");
const { default: Anthropic } = await load("@anthropic-ai/sdk/index.mjs");

const schema = { type: "object", properties: { command: { type: "string" } } };

const ask = {
  async "openai-completions"({ base, key, stream, prompt, tool }) {
    const client = new OpenAI({ baseURL: base, apiKey: key, maxRetries: 0 });
    const body = { model: "m", messages: [{ role: "user", content: prompt }], tools: [{ type: "function", function: { name: tool, parameters: schema } }] };
    const done = stream
      ? await client.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion()
      : await client.chat.completions.create(body);
    const { message, finish_reason } = done.choices[0];
    return { text: message.content ?? "", calls: (message.tool_calls ?? []).map((c) => c.function.name + " " + c.function.arguments), stop: finish_reason };
  },
  async "openai-responses"({ base, key, stream, prompt, tool }) {
    const client = new OpenAI({ baseURL: base, apiKey: key, maxRetries: 0 });
    const body = { model: "m", input: prompt, store: false, tools: [{ type: "function", name: tool, parameters: schema, strict: false }] };
    const done = stream ? await client.responses.stream(body).finalResponse() : await client.responses.create(body);
    return { text: done.output_text, calls: done.output.filter((o) => o.type === "function_call").map((c) => c.name + " " + c.arguments), stop: done.status };
  },
  async "anthropic-messages"({ base, key, stream, prompt, tool }) {
    const client = new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0 });
    const body = { model: "m", max_tokens: 1024, messages: [{ role: "user", content: prompt }], tools: [{ name: tool, input_schema: schema }] };
    const done = stream ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
    const of = (type) => done.content.filter((b) => b.type === type);
    return { text: of("text").map((b) => b.text).join(""), calls: of("tool_use").map((b) => b.name + " " + JSON.stringify(b.input)), stop: done.stop_reason };
  },
};

const answers = [];
for (const question of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    answers.push(await ask[question.api](question));
  } catch (e) {
    answers.push({ text: "", calls: [], stop: "", error: `${e.status} ${e.message}` });
  }
}
process.stdout.write(JSON.stringify(answers));
