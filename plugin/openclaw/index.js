// Seawall's second door: before a tool runs, the hook door of `seawall up` is
// asked whether the model door has let this call through. Before a run begins,
// it is told whose words begin it; what goes out, and what tools bring to a model
// that is not behind the first door, it reads. No answer is a no. The plugin decides
// nothing itself; docs/hook.md of Seawall explains why.

import { readFile, readdir, stat } from "node:fs/promises";
import http from "node:http";
import path from "node:path";

// OpenClaw gives a hook 15 seconds before it blocks the call itself, with a
// sentence that helps nobody.
const patience = 10_000;
const maxAnswer = 64 * 1024;

// A call that a person has to allow waits as long as the door keeps it: the door
// gives up after 590 seconds and gives a sign every 15. OpenClaw gives a hook ten
// minutes at most (docs/plugins/hooks/reference.md).
const waiting = 597_000;
const silence = 60_000;
const budget = 600_000;

// words are those of the one sentence that the plugin says itself: when the
// door is closed, nobody else can.
const words = {
  en: { stopped: "Stopped", because: "Because", can: "You can", call: "the call", message: "this message", install: "the installation", reply: "this answer", closed: "Seawall does not answer", advice: "run seawall up, or seawall disconnect to work without Seawall" },
  de: { stopped: "Gestoppt", because: "Weil", can: "Du kannst", call: "der Aufruf", message: "diese Nachricht", install: "die Installation", reply: "diese Antwort", closed: "Seawall nicht antwortet", advice: "seawall up starten, oder mit seawall disconnect ohne Seawall arbeiten" },
};

// spoken is the operator's language, as the door last said it.
let spoken = words.en;

// stopped is the sentence for the chat; brackets could begin a tool call.
export function stopped(what) {
  const name = String(what).replace(/[^\p{L}\p{N}_.: -]/gu, "").slice(0, 40) || spoken.call;
  return `${spoken.stopped}: ${name}. ${spoken.because}: ${spoken.closed}. ${spoken.can}: ${spoken.advice}.`;
}

// post sends one question and returns the answer's object. Where the door has
// begun to answer, it may wait for a person. cancelled ends that, when the call
// is no longer wanted.
export function post(config, path, question, cancelled) {
  return new Promise((resolve, reject) => {
    const body = Buffer.from(JSON.stringify(question));
    const url = new URL(config.endpoint + path);
    const limit = AbortSignal.timeout(waiting);
    const request = http.request(url, {
      method: "POST",
      agent: false, // not the one that a proxy may have taken over
      signal: cancelled ? AbortSignal.any([limit, cancelled]) : limit,
      headers: {
        "content-type": "application/json",
        "content-length": body.length,
        authorization: `Bearer ${config.token}`,
      },
    }, (response) => {
      quiet(silence);
      let size = 0;
      const pieces = [];
      response.on("error", reject);
      response.on("data", (piece) => {
        quiet(silence);
        size += piece.length;
        if (size > maxAnswer) request.destroy(new Error("the answer is too long"));
        else pieces.push(piece);
      });
      response.on("end", () => {
        clearTimeout(timer);
        try {
          const answer = JSON.parse(Buffer.concat(pieces).toString("utf8"));
          if (Object.hasOwn(words, answer?.language)) spoken = words[answer.language];
          resolve(answer);
        } catch (error) {
          reject(error);
        }
      });
    });
    let timer;
    const quiet = (time) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(new Error("the door is silent")), time);
    };
    quiet(patience);
    request.on("close", () => clearTimeout(timer));
    request.on("error", reject);
    request.end(body);
  });
}

// beforeToolCall lets a call run only on a clear yes.
export async function beforeToolCall(config, event, ctx) {
  const tool = event?.toolName;
  let answer;
  try {
    answer = await post(config, "/v1/tool-call", {
      trace: ctx?.trace?.traceId ?? "",
      tool,
      params: event.params ?? {},
      toolCallId: event.toolCallId,
      toolKind: event.toolKind,
      runId: event.runId ?? ctx?.runId,
      sessionKey: ctx?.sessionKey,
      sessionId: ctx?.sessionId,
      agentId: ctx?.agentId,
    }, ctx?.abortSignal);
  } catch {
    return { block: true, blockReason: stopped(tool ?? "") };
  }
  if (answer?.allow === true && answer.block !== true) {
    if (answer.scan === true) remember(event.toolCallId, ctx);
    return undefined;
  }
  const reason = typeof answer?.reason === "string" && answer.reason ? answer.reason : stopped(tool ?? "");
  return { block: true, blockReason: reason };
}

// beforeAgentRun vouches for whose words begin a run. What OpenClaw does not say
// stays open: only a clear yes makes the owner.
export async function beforeAgentRun(config, event, ctx) {
  const channel = [ctx?.channel ?? ctx?.messageProvider, event?.channelId ?? ctx?.channelId].filter(Boolean).join(" ");
  let answer;
  try {
    answer = await post(config, "/v1/run", {
      trace: ctx?.trace?.traceId ?? "",
      prompt: String(event?.prompt ?? ""),
      senderIsOwner: event?.senderIsOwner === true,
      senderId: event?.senderId ?? ctx?.senderId,
      channelId: channel,
      workspaceDir: ctx?.workspaceDir,
      sessionKey: ctx?.sessionKey,
      agentId: ctx?.agentId,
    });
  } catch {
    answer = undefined;
  }
  if (answer?.allow === true && answer.block !== true) return undefined;
  const message = typeof answer?.reason === "string" && answer.reason ? answer.reason : stopped(spoken.message);
  return { outcome: "block", reason: "Seawall", message };
}

// read has the door read some texts and returns what may go on of them, or
// undefined where it gives no clear answer.
async function read(config, path, texts, ctx, tool) {
  try {
    const answer = await post(config, path, {
      trace: ctx?.trace?.traceId ?? ctx?.traceId ?? "",
      tool,
      texts,
      sessionKey: ctx?.sessionKey,
      agentId: ctx?.agentId,
      channelId: ctx?.channelId,
    });
    const said = answer?.texts;
    if (answer?.allow === true && Array.isArray(said) && said.length === texts.length && said.every((s) => typeof s === "string")) return said;
  } catch {
    // as no answer
  }
  return undefined;
}

// strings returns all texts in a value, and put the same value with others in
// their place.
function strings(value, found = []) {
  if (typeof value === "string") found.push(value);
  else if (value && typeof value === "object") Object.values(value).forEach((v) => strings(v, found));
  return found;
}

function put(value, texts) {
  if (typeof value === "string") return texts.shift();
  if (Array.isArray(value)) return value.map((v) => put(v, texts));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, put(v, texts)]));
  return value;
}

// messageSending and replyPayloadSending cut out of what goes to a channel what
// may not be there. OpenClaw sends it when a hook fails, so where the door is
// closed one sentence goes in its place: the operator has to read why.
export async function messageSending(config, event, ctx) {
  const content = event?.content;
  if (typeof content !== "string" || !content) return undefined;
  const said = await read(config, "/v1/message", [content], ctx);
  if (!said) return { content: stopped(spoken.reply) };
  return said[0] === content ? undefined : { content: said[0] };
}

export async function replyPayloadSending(config, event, ctx) {
  const texts = strings(event?.payload);
  if (!texts.some(Boolean)) return undefined;
  const said = await read(config, "/v1/message", texts, { ...ctx, sessionKey: ctx?.sessionKey ?? event.sessionKey });
  if (!said) return { payload: { text: stopped(spoken.reply) } };
  return said.every((s, i) => s === texts[i]) ? undefined : { payload: put(event.payload, said) };
}

// scanned are the calls whose results nobody else reads, with their contexts.
// OpenClaw may load this module once for its hooks and once more for the results.
const scanned = (globalThis[Symbol.for("seawall-guard.scanned")] ??= new Map());
const maxScanned = 1024;

function remember(id, ctx) {
  if (!id) return;
  if (scanned.size >= maxScanned) scanned.delete(scanned.keys().next().value);
  scanned.set(id, ctx);
}

// toolResult has the door read the result of such a call, before the model does.
export async function toolResult(config, event) {
  const ctx = scanned.get(event?.toolCallId);
  if (!scanned.delete(event?.toolCallId)) return undefined;
  const content = event.result?.content;
  const parts = Array.isArray(content) ? content.filter((p) => typeof p?.text === "string") : [];
  if (!parts.length) return undefined;
  const texts = parts.map((p) => p.text);
  const said = (await read(config, "/v1/result", texts, ctx, event.toolName)) ?? texts.map(() => stopped(event.toolName));
  if (said.every((s, i) => s === texts[i])) return undefined;
  return { result: { ...event.result, content: content.map((p) => (typeof p?.text === "string" ? { ...p, text: said.shift() } : p)) } };
}

// What is read of something that is installed: it is small, or nobody reads it.
const maxFiles = 256;
const maxFile = 256 * 1024;
const maxMaterial = 4 * 1024 * 1024;

// material is the texts of a folder or a file.
async function material(source) {
  const texts = [];
  let size = 0;
  const queue = [source];
  for (let at = 0; at < queue.length && at < maxFiles; at++) {
    const info = await stat(queue[at]);
    if (info.isDirectory()) {
      for (const name of await readdir(queue[at])) if (name !== ".git") queue.push(path.join(queue[at], name));
    } else if (info.isFile() && info.size <= maxFile && size + info.size <= maxMaterial) {
      const content = await readFile(queue[at]);
      if (content.includes(0)) continue;
      size += info.size;
      texts.push(content.toString("utf8"));
    }
  }
  return texts;
}

// beforeInstall lets a skill or plugin be installed only on a clear yes.
export async function beforeInstall(config, event) {
  let answer;
  try {
    answer = await post(config, "/v1/install", {
      install: {
        action: "install",
        kind: String(event?.targetType ?? ""),
        name: String(event?.targetName ?? ""),
        spec: String(event?.request?.requestedSpecifier ?? ""),
        source: String(event?.origin ?? ""),
      },
      texts: event?.sourcePath ? await material(event.sourcePath) : [],
    });
  } catch {
    answer = undefined;
  }
  if (answer?.allow === true && answer.block !== true) return undefined;
  return { block: true, blockReason: typeof answer?.reason === "string" && answer.reason ? answer.reason : stopped(spoken.install) };
}

// modelCallStarted tells of a call; it can stop nothing.
export async function modelCallStarted(config, event, ctx) {
  try {
    await post(config, "/v1/model-call", {
      trace: ctx?.trace?.traceId ?? "",
      span: ctx?.trace?.spanId ?? "",
      provider: event?.provider,
      model: event?.model,
      sessionKey: event?.sessionKey,
    });
  } catch {
    // A closed door also answers no model call: nothing passes it unseen.
  }
}

// modelCallEnded tells of a call that was ended before its answer began: its
// request may never have been made, and is not to be looked for.
export async function modelCallEnded(config, event, ctx) {
  if (event?.failureKind !== "aborted" || event.timeToFirstByteMs !== undefined || event.responseStreamBytes) return;
  try {
    await post(config, "/v1/model-call", { trace: ctx?.trace?.traceId ?? "", span: ctx?.trace?.spanId ?? "", aborted: true });
  } catch {
    // As above.
  }
}

export default {
  id: "seawall-guard",
  name: "Seawall",
  description: "Asks Seawall before a tool runs, has it read what goes out, and tells it whose words begin a run and of each call of a model.",
  register(api) {
    const config = api.pluginConfig ?? {};
    // Ahead of hooks that change arguments: what was judged is what is asked.
    api.on("before_tool_call", (event, ctx) => beforeToolCall(config, event, ctx), { priority: 1000, timeoutMs: budget });
    api.on("before_agent_run", (event, ctx) => beforeAgentRun(config, event, ctx), { priority: 1000 });
    api.on("before_install", (event) => beforeInstall(config, event), { priority: 1000, timeoutMs: budget });
    // After hooks that change what goes out.
    api.on("message_sending", (event, ctx) => messageSending(config, event, ctx), { priority: -1000 });
    api.on("reply_payload_sending", (event, ctx) => replyPayloadSending(config, event, ctx), { priority: -1000 });
    api.registerAgentToolResultMiddleware?.((event) => toolResult(config, event), { runtimes: ["openclaw"] });
    api.on("model_call_started", (event, ctx) => modelCallStarted(config, event, ctx));
    api.on("model_call_ended", (event, ctx) => modelCallEnded(config, event, ctx));
  },
};
