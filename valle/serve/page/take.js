// One take: its card on the page, its sound as it arrives, what can be saved of it.

import { captioned, file } from "./api.js";
import { draw } from "./picture.js";
import { ArrivingWav } from "./sound.js";
import { srt, Words } from "./words.js";

const LETTERS_PER_SECOND = 14; // to guess how wide a picture will be
const REDRAW_MS = 300; // a picture costs time that clicks and sound need

export class Take {
  sound = new ArrivingWav();
  state = "making"; // then "done", "cancelled" or "failed"
  #abort = new AbortController();
  #due = 0; // the timer of the next picture

  /** body: fields of the speech route; voice: its name; events: {play, removed, tell,
   * fail, heard}. */
  constructor(number, body, voice, player, events) {
    Object.assign(this, { number, body, player, events });
    this.title = `Take ${number}, ${voice}`;
    const card = document.getElementById("take-template").content.cloneNode(true).firstElementChild;
    this.card = card;
    this.seek = card.querySelector(".seek");
    this.playButton = card.querySelector(".play");
    this.time = card.querySelector(".time");
    const speed = body.speed === 1 ? "" : `, ${body.speed} ×`;
    card.querySelector("h3").textContent = this.title;
    card.querySelector(".what .hint").textContent = `seed ${body.seed}${speed}`;
    this.words = new Words(card.querySelector(".words"), body.input);
    this.#label();
    this.#wire();
    this.show("making");
  }

  /** Seconds that the picture stands for. */
  get width() {
    const guess = this.body.input.length / LETTERS_PER_SECOND / this.body.speed;
    return this.state === "making" ? Math.max(guess, this.sound.seconds) : this.sound.seconds;
  }

  /** Have it spoken; resolves when it is over, however it ends. */
  async make(onSound) {
    try {
      for await (const { sound, words } of captioned(this.body, this.#abort.signal,
                                                           this.events.heard)) {
        this.sound.push(sound);
        this.words.add(words);
        this.playButton.disabled = false;
        this.#due ||= setTimeout(() => this.redraw(), REDRAW_MS);
        onSound(this);
        this.player.more(this.sound);
      }
      this.show("done");
    } catch (error) {
      this.show(error.name === "AbortError" ? "cancelled" : "failed");
      if (this.state === "failed") this.events.fail(error);
    }
    this.sound.done = true;
    this.words.end();
    this.player.more(this.sound);
    if (!this.sound.length) this.remove();
    else this.redraw();
  }

  cancel() {
    this.#abort.abort();
  }

  remove() {
    this.cancel();
    if (this.player.sound === this.sound) this.player.stop();
    const next = this.card.nextElementSibling ?? this.card.previousElementSibling;
    const focused = this.card.contains(document.activeElement);
    this.card.remove();
    this.events.removed(this);
    if (focused) (next?.querySelector(".play") ?? document.getElementById("takes")).focus();
  }

  show(state) {
    this.state = state;
    this.card.dataset.state = state;
    for (const button of this.card.querySelectorAll("[data-save]")) {
      button.disabled = state === "making" || (button.dataset.save === "mp3" && state !== "done");
    }
    this.playButton.disabled = !this.sound.length;
    this.#tellTime();
  }

  redraw() {
    clearTimeout(this.#due);
    this.#due = 0;
    const { sound, seek } = this;
    this.playButton.disabled = !sound.length;
    seek.max = this.width;
    draw(this.card, sound.samples, sound.rate || 1, this.width);
    this.#tellTime();
  }

  /** It plays, at this position; or it does not (position undefined). */
  playing(position) {
    this.card.classList.toggle("playing", position !== undefined);
    this.playButton.setAttribute("aria-label",
                                 `${position === undefined ? "Play" : "Pause"} ${this.title}`);
    if (position === undefined) return;
    this.seek.value = position;
    this.#tellPosition();
    this.words.at(position);
  }

  #label() {
    this.playButton.setAttribute("aria-label", `Play ${this.title}`);
    this.card.querySelector(".remove").setAttribute("aria-label", `Delete ${this.title}`);
    this.words.place.setAttribute("aria-label", `Words of ${this.title}`);
    this.words.place.setAttribute("role", "group");
    this.seek.setAttribute("aria-label", `Position in ${this.title}`);
    for (const button of this.card.querySelectorAll("[data-save]")) {
      button.setAttribute("aria-label", `Save ${this.title} as ${button.dataset.save}`);
    }
  }

  #wire() {
    this.playButton.addEventListener("click", () => this.events.play(this, this.#from()));
    this.seek.addEventListener("input", () => {
      this.#tellPosition();
      this.words.at(Number(this.seek.value));
      if (this.player.sound === this.sound) this.player.play(this.sound, Number(this.seek.value));
    });
    this.card.querySelector(".words").addEventListener("click", ({ target }) => {
      if (target.dataset.start) this.events.play(this, Number(target.dataset.start), true);
    });
    this.card.querySelector(".remove").addEventListener("click", () => this.remove());
    for (const button of this.card.querySelectorAll("[data-save]")) {
      button.addEventListener("click", () => this.#save(button));
    }
  }

  #from() {
    const at = Number(this.seek.value);
    return at < this.sound.seconds - 0.05 ? at : 0;
  }

  async #save(button) {
    const kind = button.dataset.save;
    button.disabled = true;
    try {
      save(await this.#file(kind), `valle-${this.number}.${kind}`);
      this.events.tell(`${this.title} is saved as ${kind}.`);
    } catch (error) {
      this.events.fail(error);
    }
    button.disabled = false;
  }

  /** The same seed gives the same samples, so the server can make the mp3 once it is wanted. */
  #file(kind) {
    if (kind === "wav") return this.sound.file();
    if (kind === "srt") {
      return new Blob([srt(this.words.timings)], { type: "application/x-subrip" });
    }
    this.events.tell("The server makes the mp3.");
    return file({ ...this.body, response_format: "mp3" });
  }

  #tellTime() {
    const seconds = `${this.sound.seconds.toFixed(1)} s`;
    this.time.textContent = { making: this.sound.length ? `${seconds} so far` : "waiting",
                              done: seconds, cancelled: `${seconds}, cancelled`,
                              failed: `${seconds}, broken off` }[this.state];
  }

  #tellPosition() {
    const at = Number(this.seek.value).toFixed(1);
    this.seek.setAttribute("aria-valuetext", `${at} of ${this.sound.seconds.toFixed(1)} seconds`);
  }
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
