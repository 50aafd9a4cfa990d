// What the page does: from the form to takes, and who plays when.

import { useKey } from "./api.js";
import { Player } from "./player.js";
import { Prompt } from "./prompt.js";
import { Take } from "./take.js";
import { VoicePicker } from "./voices.js";

const by = (id) => document.getElementById(id);
const player = new Player();
const takes = [];
let made = 0;
let queue = []; // takes that are played after this one

const tell = (message) => {
  by("status").textContent = message;
  by("alert").textContent = "";
};

function fail(error) {
  by("status").textContent = "";
  by("alert").textContent = error.message;
  by("alert").scrollIntoView({ block: "nearest" });
  if (error.status === 401) {
    by("access").open = true;
    by("key").focus();
  }
}

const voices = new VoicePicker({ tell, fail, chosen: (own) => prompt.show(own) });
const prompt = new Prompt(player, { tell, fail, kept: (id) => voices.load(id),
                                    dropped: () => voices.chooseOwn() });

function play(take, from, always = false) {
  queue = [];
  if (player.sound === take.sound && !always) player.stop();
  else player.play(take.sound, from);
}

function removed(take) {
  const at = takes.indexOf(take);
  if (at >= 0) takes.splice(at, 1);
  arrange();
}

/** Show what depends on which takes there are. */
function arrange() {
  const making = takes.filter((take) => take.state === "making");
  by("none").hidden = takes.length > 0;
  by("in-turn").hidden = takes.length < 2;
  by("cancel").disabled = !making.length;
  by("takes").setAttribute("aria-busy", making.length > 0);
}

async function speak() {
  by("alert").textContent = "";
  player.wake(24000);
  const body = { input: by("text").value, speed: Number(by("speed").value) };
  if (!body.input.trim()) {
    by("text").focus();
    throw new Error("Write a text that is to be spoken.");
  }
  Object.assign(body, voices.own ? await prompt.fields() : { voice: voices.chosen });
  const name = voices.own ? "new voice" : voices.chosen;
  const first = by("seed").value === "" ? null : Number(by("seed").value);
  const number = Number(by("number").value);
  const fresh = Array.from({ length: number }, (_, index) => new Take(
    ++made, { ...body, seed: first === null ? Math.floor(Math.random() * 1e6) : first + index },
    name, player, { play, removed, tell, fail, heard: (words) => prompt.heard(words) }));
  takes.unshift(...fresh);
  by("list").prepend(...fresh.map((take) => take.card));
  for (const take of fresh) take.redraw();
  fresh[0].card.scrollIntoView({ block: "nearest" });
  tell(number === 1 ? "Speaking." : `Speaking ${number} takes.`);
  arrange();
  await Promise.all(fresh.map((take) => take.make(heardFirst(fresh[0]))));
  arrange();
  const done = fresh.filter((take) => take.state === "done");
  if (done.length === 1) tell(`${done[0].title} is ready.`);
  else if (done.length) tell(`${done.length} takes are ready.`);
  else if (!by("alert").textContent) tell("Cancelled.");
}

/** Plays a take once its first sound is there, unless something else is heard by then. */
function heardFirst(first) {
  let begun = false;
  return (take) => {
    if (take !== first || begun) return;
    begun = true;
    queue = [];
    player.play(take.sound);
  };
}

function cancel() {
  for (const take of takes.filter((one) => one.state === "making")) take.cancel();
}

player.addEventListener("time", () => {
  takes.find((take) => take.sound === player.sound)?.playing(player.position);
});
player.addEventListener("change", () => {
  for (const take of takes) {
    take.playing(take.sound === player.sound ? player.position : undefined);
  }
  by("in-turn").textContent = queue.length ? "Stop" : "Play in turn";
});
player.addEventListener("end", ({ detail }) => {
  const take = takes.find((one) => one.sound === detail);
  if (take) {
    take.seek.value = 0;
    take.words.at(-1);
  }
  const next = queue.shift();
  if (next) player.play(next.sound);
});

by("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  speak().catch(fail);
});
by("composer").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    by("composer").requestSubmit();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !by("ask").open) cancel();
});
by("cancel").addEventListener("click", cancel);
by("in-turn").addEventListener("click", () => {
  const stop = queue.length > 0;
  queue = stop ? [] : takes.slice(1);
  if (stop) player.stop();
  else player.play(takes[0].sound);
});
by("text").addEventListener("input", count);
by("speed").addEventListener("input", () => {
  by("speed-shown").textContent = `${Number(by("speed").value).toFixed(2)} ×`;
});
by("key").addEventListener("change", () => {
  useKey(by("key").value.trim());
  voices.load().catch(fail);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new ResizeObserver(redraw).observe(by("takes"));

function count() {
  const letters = by("text").value.length;
  by("count").textContent = `${letters} character${letters === 1 ? "" : "s"}`;
}

function redraw() {
  for (const take of takes) take.redraw();
  prompt.redraw();
}

count();
arrange();
voices.load().catch(fail);
