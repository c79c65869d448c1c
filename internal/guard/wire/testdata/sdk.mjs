// Has the official SDKs ask a question, run the calls they find in the answer
// and send the next turn, as programs do that are written with them. usage:
// node sdk.mjs DIR < cases, where DIR holds node_modules and cases is
// [{api, url, request, stream}]; prints what each way of reading made of each
// case: {name: {text, calls, stop, error, next}}, next being the error that the
// next turn was answered with.
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { readFileSync } from "node:fs";

const load = (name) => import(pathToFileURL(join(process.argv[2], "node_modules", name)).href);
const { default: OpenAI } = await load("openai/index.mjs");
const { default: Anthropic } = await load("@anthropic-ai/sdk/index.mjs");

const parsed = (s) => { try { return JSON.parse(s); } catch { return s; } };
const openai = (c) => new OpenAI({ apiKey: "x", baseURL: c.url + "/v1", maxRetries: 0 });
const thanks = "thank you";

// A way of reading returns the answer and how to go on from it.
const chat = {
  calls: (m) => [
    ...(m.tool_calls ?? []).map((t) => (t.custom ? { name: t.custom.name, args: t.custom.input } : { name: t.function.name, args: parsed(t.function.arguments) })),
    ...(m.function_call ? [{ name: m.function_call.name, args: parsed(m.function_call.arguments) }] : []),
  ],
  results: (m) => [
    ...(m.tool_calls ?? []).map((t) => ({ role: "tool", tool_call_id: t.id, content: "done" })),
    ...(m.function_call ? [{ role: "function", name: m.function_call.name, content: "done" }] : []),
  ],
  read(c, answer) {
    const body = c.request;
    const out = { text: "", calls: [], stop: answer.choices.map((x) => x.finish_reason).join(), turns: [] };
    for (const { message: m } of answer.choices) {
      out.text += m.content ?? m.refusal ?? "";
      out.calls.push(...chat.calls(m));
      // What ran has a result; each choice could be the one that is gone on from.
      const turn = { ...body, stream: false, messages: [...body.messages, m, ...chat.results(m), { role: "user", content: thanks }] };
      delete turn.stream_options;
      out.turns.push(() => openai(c).chat.completions.create(turn));
    }
    return out;
  },
  // put together from chunks, by the index of each call
  together(chunks) {
    const choices = [];
    for (const chunk of chunks) {
      for (const { index, delta, finish_reason } of chunk.choices ?? []) {
        const choice = (choices[index] ??= { message: { role: "assistant", content: null }, finish_reason: null });
        const m = choice.message;
        if (finish_reason) choice.finish_reason = finish_reason;
        if (delta?.content) m.content = (m.content ?? "") + delta.content;
        if (delta?.refusal) m.refusal = (m.refusal ?? "") + delta.refusal;
        if (delta?.function_call) {
          m.function_call ??= { name: "", arguments: "" };
          m.function_call.name += delta.function_call.name ?? "";
          m.function_call.arguments += delta.function_call.arguments ?? "";
        }
        for (const t of delta?.tool_calls ?? []) {
          const call = ((m.tool_calls ??= [])[t.index] ??= {});
          if (t.id) call.id = t.id;
          if (t.type) call.type = t.type;
          for (const [kind, args] of [["function", "arguments"], ["custom", "input"]]) {
            if (!t[kind]) continue;
            const f = (call[kind] ??= { name: "", [args]: "" });
            f.name += t[kind].name ?? "";
            f[args] += t[kind][args] ?? "";
          }
        }
      }
    }
    for (const choice of choices) {
      if (choice?.message.tool_calls?.includes(undefined)) throw new Error("a gap in the indices of the calls");
    }
    return { choices: choices.filter(Boolean) };
  },
};

const resultOf = {
  function_call: (i) => ({ type: "function_call_output", call_id: i.call_id, output: "done" }),
  custom_tool_call: (i) => ({ type: "custom_tool_call_output", call_id: i.call_id, output: "done" }),
  local_shell_call: (i) => ({ type: "local_shell_call_output", call_id: i.call_id, output: "done" }),
  shell_call: (i) => ({ type: "shell_call_output", call_id: i.call_id, output: [] }),
  apply_patch_call: (i) => ({ type: "apply_patch_call_output", call_id: i.call_id, status: "completed" }),
  computer_call: (i) => ({ type: "computer_call_output", call_id: i.call_id, output: {} }),
};

function responses(c, output, stop) {
  const out = { text: "", calls: [], stop, kinds: output.map((i) => i.type) };
  for (const i of output) {
    if (i.type === "message") out.text += i.content.map((p) => p.text ?? p.refusal).join("");
    else if (resultOf[i.type]) out.calls.push({ name: i.name ?? i.type, args: i.arguments !== undefined ? parsed(i.arguments) : i.input ?? i.action ?? i.operation });
  }
  const { input, previous_response_id, ...body } = c.request;
  const first = typeof input === "string" ? [{ role: "user", content: input }] : input;
  const results = output.filter((i) => resultOf[i.type]).map((i) => resultOf[i.type](i));
  const turn = { ...body, stream: false, input: [...first, ...output, ...results, { role: "user", content: thanks }] };
  out.turns = [() => openai(c).responses.create(turn)];
  return out;
}

function anthropic(c, message) {
  const out = { text: "", calls: [], stop: message.stop_reason, kinds: message.content.map((b) => b.type) };
  const results = [];
  for (const b of message.content) {
    if (b.type === "text") out.text += b.text;
    if (b.type !== "tool_use") continue;
    out.calls.push({ name: b.name, args: b.input });
    results.push({ type: "tool_result", tool_use_id: b.id, content: "done" });
  }
  const messages = [...c.request.messages, { role: "assistant", content: message.content }, { role: "user", content: [...results, { type: "text", text: thanks }] }];
  out.turns = [() => new Anthropic({ apiKey: "x", baseURL: c.url, maxRetries: 0 }).messages.create({ ...c.request, stream: false, messages })];
  return out;
}

const ways = {
  "openai-completions": {
    whole: async (c) => chat.read(c, await openai(c).chat.completions.create(c.request)),
    async stream(c) {
      const chunks = [];
      for await (const chunk of await openai(c).chat.completions.create(c.request)) chunks.push(chunk);
      return chat.read(c, chat.together(chunks));
    },
    async helper(c) {
      const said = [];
      const stream = openai(c).chat.completions.stream(c.request);
      stream.on("tool_calls.function.arguments.done", (e) => said.push(e.name));
      const answer = await stream.finalChatCompletion();
      return chat.read(c, answer);
    },
  },
  "openai-responses": {
    async whole(c) {
      const answer = await openai(c).responses.create(c.request);
      return responses(c, answer.output, answer.status);
    },
    // as agents do that trust each finished item, and look for gaps
    async stream(c) {
      const output = [];
      let stop, first, count = 0, last = -1;
      for await (const e of await openai(c).responses.create(c.request)) {
        if (e.sequence_number !== undefined) {
          first ??= e.sequence_number;
          if (e.sequence_number !== first + count) throw new Error(`event ${count} has sequence number ${e.sequence_number}`);
          count++;
        }
        if (e.item && e.output_index > last) {
          if (e.output_index !== last + 1) throw new Error(`item ${last + 1} has output index ${e.output_index}`);
          last = e.output_index;
        }
        if (e.type === "response.output_item.done") output[e.output_index] = e.item;
        if (/^response\.(completed|incomplete|failed)$/.test(e.type)) stop = e.response.status;
      }
      return responses(c, output.filter(Boolean), stop);
    },
    async helper(c) {
      const stream = openai(c).responses.stream(c.request);
      const answer = await stream.finalResponse();
      return responses(c, answer.output, answer.status);
    },
  },
  "anthropic-messages": {
    whole: async (c) => anthropic(c, await new Anthropic({ apiKey: "x", baseURL: c.url, maxRetries: 0 }).messages.create(c.request)),
    async stream(c) {
      let next = 0;
      for await (const e of await new Anthropic({ apiKey: "x", baseURL: c.url, maxRetries: 0 }).messages.create(c.request)) {
        if (e.type === "content_block_start" && e.index !== next++) throw new Error(`block ${next - 1} has index ${e.index}`);
      }
      return { text: "", calls: [], turns: [], stop: "" };
    },
    async helper(c) {
      const { stream: _, ...body } = c.request;
      return anthropic(c, await new Anthropic({ apiKey: "x", baseURL: c.url, maxRetries: 0 }).messages.stream(body).finalMessage());
    },
  },
};

async function read(c, way) {
  let out;
  try {
    out = await way(c);
  } catch (e) {
    return { text: "", calls: [], error: String(e?.message ?? e) };
  }
  const { turns, ...said } = out;
  for (const turn of turns) {
    try {
      await turn();
    } catch (e) {
      said.next = String(e?.message ?? e);
    }
  }
  return said;
}

const results = [];
for (const c of JSON.parse(readFileSync(0, "utf8"))) {
  const { whole, ...streams } = ways[c.api];
  const result = {};
  for (const [name, way] of Object.entries(c.stream ? streams : { whole })) result[name] = await read(c, way);
  results.push(result);
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));
