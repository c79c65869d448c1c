// Seawall's second door: before a tool runs, the hook door of `seawall up` is
// asked whether the model door has let this call through. Before a run begins,
// it is told whose words begin it. No answer is a no. The plugin decides nothing
// itself; docs/hook.md of Seawall explains why.

import http from "node:http";

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
  en: { stopped: "Stopped", because: "Because", can: "You can", call: "the call", message: "this message", closed: "Seawall does not answer", advice: "run seawall up, or seawall disconnect to work without Seawall" },
  de: { stopped: "Gestoppt", because: "Weil", can: "Du kannst", call: "der Aufruf", message: "diese Nachricht", closed: "Seawall nicht antwortet", advice: "seawall up starten, oder mit seawall disconnect ohne Seawall arbeiten" },
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
  if (answer?.allow === true && answer.block !== true) return undefined;
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
  description: "Asks Seawall before a tool runs, and tells it whose words begin a run and of each call of a model.",
  register(api) {
    const config = api.pluginConfig ?? {};
    // Ahead of hooks that change arguments: what was judged is what is asked.
    api.on("before_tool_call", (event, ctx) => beforeToolCall(config, event, ctx), { priority: 1000, timeoutMs: budget });
    api.on("before_agent_run", (event, ctx) => beforeAgentRun(config, event, ctx), { priority: 1000 });
    api.on("model_call_started", (event, ctx) => modelCallStarted(config, event, ctx));
    api.on("model_call_ended", (event, ctx) => modelCallEnded(config, event, ctx));
  },
};
