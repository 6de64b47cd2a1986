// Another Keebai that delivers webhooks, written from the contract's words alone; it shares no code with ours.
//
//     node service.mjs < orders.json
//
// stdin: {"url", "secret", "dialect": "D" | "K", "people": [{"number", "meta_data", "story": [[status, code]]}],
//         "twice": share, "at_once": requests, "wait": ms, "late": bool}
// stdout: {"answers": {status: count}, "given_up": [event], "taken": [event]}
//
// A story is what becomes of one message, in the order in which it happens. All events of all people are
// shuffled, some of them go twice, and each is repeated as webhooks contract, section 2.4 says, with "wait"
// milliseconds in the place of its hours.

import { createHmac, randomUUID } from "node:crypto";
import { Agent, request } from "node:http";

const read = async () => {
  let text = "";
  for await (const piece of process.stdin) text += piece;
  return JSON.parse(text);
};

const orders = await read();
const agent = new Agent({ keepAlive: true, maxSockets: orders.at_once ?? 8 });
const begin = Date.now();

// Section 2.3: `t=<unix seconds>,v1=<hex>` over the time, a full stop, and the raw bytes.
const sign = (body, seconds) => {
  const mac = createHmac("sha256", orders.secret);
  mac.update(`${seconds}.`);
  mac.update(body);
  return `t=${seconds},v1=${mac.digest("hex")}`;
};

// Sections 2.2 and 3.2.
const envelope = (person, index, status, code, step) => {
  const at = new Date(begin + step * 1000);
  const seconds = String(Math.floor(at.getTime() / 1000));
  const id = `evt_${randomUUID().replaceAll("-", "")}`;
  const about = { message_id: `wamid.${index}`, phone_number_id: "1089", status, meta_data: person.meta_data };
  const error = { code, title: "Undeliverable", message: "Undeliverable", error_data: { details: "-" } };
  if (code) about.errors = [error];
  if (orders.dialect === "D") {
    const data = { recipient_id: person.number, timestamp: seconds, ...about };
    const type = `whatsapp.message.${status}`;
    return { id, type, occurred_at: at.toISOString(), company_id: "co_1", channel_id: null, data };
  }
  const data = { ...about, recipient: person.number };
  if (status !== "sent") data[`${status}_at`] = at.toISOString();
  if (status === "delivered") data.conversation = { id: "c", expiration_timestamp: seconds, origin: { type: "x" } };
  return { event: `whatsapp.message.${status}`, timestamp: at.toISOString(), webhook_id: "wh_1", data };
};

const shuffled = (list) => {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
};

// One attempt: the status that came back, 0 for none. Half of the bodies are chunked, as Node does by itself.
const attempt = (body, chunked) =>
  new Promise((resolve) => {
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "x-keebai-signature": sign(body, Math.floor(Date.now() / 1000)),
      "X-Keebai-Event": "message",
      "User-Agent": "Keebai-Webhooks/1.0",
    };
    if (!chunked) headers["content-length"] = String(body.length);
    const sent = request(orders.url, { method: "POST", agent, headers, timeout: 30000 }, (reply) => {
      reply.resume();
      reply.on("end", () => resolve(reply.statusCode));
      reply.on("error", () => resolve(0));
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(0));
    if (chunked) sent.write(body.subarray(0, 7));
    sent.end(chunked ? body.subarray(7) : body);
  });

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const answers = {};
const taken = [];
const givenUp = [];

const deliver = async (event, chunked) => {
  const body = Buffer.from(JSON.stringify(event), "utf8");
  for (let tries = 1; tries <= 5; tries++) {
    const status = await attempt(body, chunked);
    answers[status] = (answers[status] ?? 0) + 1;
    if (status >= 200 && status < 300) return taken.push(event.id ?? body.toString());
    if (status !== 0 && status < 500 && status !== 408 && status !== 429) break;
    await sleep((orders.wait ?? 100) * 2 ** tries);
  }
  givenUp.push(event.id ?? body.toString());
};

const events = [];
orders.people.forEach((person, index) =>
  person.story.forEach(([status, code], step) => {
    const event = envelope(person, index, status, code, step);
    events.push(event);
    if (Math.random() < (orders.twice ?? 0)) events.push(event);
  }),
);
shuffled(events);
let next = 0;
const worker = async () => {
  while (next < events.length) {
    const mine = next++;
    await deliver(events[mine], mine % 2 === 0);
  }
};
await Promise.all(Array.from({ length: orders.at_once ?? 8 }, worker));
agent.destroy();
console.log(JSON.stringify({ answers, taken, given_up: givenUp }));
