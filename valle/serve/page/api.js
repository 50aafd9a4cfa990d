// The server's routes, as promises whose failures say in words what is wrong.

const KEY = "valle-key";

export class Problem extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

export function useKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

async function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = sessionStorage.getItem(KEY);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer. Is it still running?");
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

async function problemOf(answer) {
  let message = `The server answered ${answer.status}.`;
  try {
    message = (await answer.json()).error.message;
  } catch {
    // no answer of valle's: a proxy's, for example
  }
  const wait = answer.headers.get("Retry-After");
  if (answer.status === 429 && wait) message += ` Try again in ${wait} s.`;
  return new Problem(message.charAt(0).toUpperCase() + message.slice(1), answer.status);
}

const json = (body) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

/** [{id, name, kept}] of all voices. */
export async function voices() {
  return (await (await ask("v1/audio/voices")).json()).voices;
}

/** Keep a voice; `recording` is a WAV file. Resolves to what the server says of it. */
export async function keep(name, recording, refText, consent) {
  const body = new FormData();
  body.set("name", name);
  body.set("ref_text", refText);
  body.set("consent", consent);
  body.set("audio_sample", recording, "recording.wav");
  return (await ask("v1/audio/voices", { method: "POST", body })).json();
}

export async function forget(name) {
  await ask(`v1/audio/voices/${encodeURIComponent(name)}`, { method: "DELETE" });
}

/** The speech as one file. body: fields of /v1/audio/speech. */
export async function file(body, signal) {
  return (await ask("v1/audio/speech", { ...json(body), signal })).blob();
}

/**
 * The speech piece by piece: {sound: bytes of one WAV file, words: [{word, start, end}]}.
 * heard gets the words of a recording that came without them.
 */
export async function* captioned(body, signal, heard) {
  const answer = await ask("dev/captioned_speech",
                           { ...json({ ...body, response_format: "wav" }), signal });
  const words = answer.headers.get("X-Valle-Ref-Text");
  if (words) heard(decodeURIComponent(words));
  for await (const line of lines(answer.body)) {
    const { audio, timestamps } = JSON.parse(line);
    yield {
      sound: Uint8Array.from(atob(audio), (letter) => letter.charCodeAt(0)),
      words: timestamps.map((one) => ({ word: one.word, start: one.start_time,
                                        end: one.end_time })),
    };
  }
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem("The server broke off in the middle of the speech.");
    }
    if (part.done) break;
    const found = (rest + part.value).split("\n");
    rest = found.pop();
    yield* found;
  }
  if (rest) yield rest;
}
