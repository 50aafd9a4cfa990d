// A voice of one's own: recorded, chosen or dropped; seen, heard, cut; kept if its owner agrees.

import { keep, Problem } from "./api.js";
import { draw } from "./picture.js";
import { microphoneProblem, record } from "./recorder.js";
import { dataUrl, decoded, RATE, resampled, Sound, wav } from "./sound.js";

const TO_READ = [
  "We walked along the river until the lights of the town appeared.",
  "Every morning she opened the old shop, swept the floor and put the kettle on.",
  "The harbour was quiet, and the last of the boats had come home.",
];
const SHORTEST = 1; // seconds
const LONGEST = 8; // that the model hears
const MOST_RECORDED = 12;
const MOST_BYTES = 64 << 20;
const DECADES = 3; // of loudness that the meter shows: 60 dB

const by = (id) => document.getElementById(id);

export class Prompt {
  #samples = new Float32Array(0);
  #stop = null; // ends the recording that is going on

  /** events: {tell, fail, kept}. */
  constructor(player, events) {
    Object.assign(this, { player, events, panel: by("prompt") });
    this.sentence = TO_READ[Math.floor(Math.random() * TO_READ.length)];
    by("to-read").textContent = `If you record, you may read this: “${this.sentence}”`;
    by("record").addEventListener("click", () => this.#attempt(() => this.#record()));
    by("file").addEventListener("change", ({ target }) => {
      this.#open(target.files[0]);
      target.value = "";
    });
    by("hear").addEventListener("click", () => this.#hear());
    by("keep").addEventListener("click", () => this.#attempt(() => this.#keep()));
    by("from").addEventListener("input", () => this.#cut("from"));
    by("to").addEventListener("input", () => this.#cut("to"));
    this.#takeDrops();
    player.addEventListener("change", () => this.#label());
  }

  /** Fields of a request that speaks in this voice. */
  async fields() {
    this.#check();
    return { ref_audio: await dataUrl(this.#file()), ref_text: by("said").value.trim() };
  }

  /** What the server heard in it, to be seen and corrected. */
  heard(words) {
    if (!by("said").value.trim()) by("said").value = words;
  }

  /** Show it or hide it; what is hidden does not listen. */
  show(on) {
    this.panel.hidden = !on;
    if (on) this.redraw();
    else if (this.#stop) this.#attempt(this.#stop);
  }

  redraw() {
    if (this.#samples.length && !this.panel.hidden) draw(this.panel, this.#samples, RATE);
  }

  #file() {
    return wav(this.#chosen(), RATE);
  }

  #chosen() {
    return this.#samples.subarray(Math.round(by("from").value * RATE),
                                  Math.round(by("to").value * RATE));
  }

  #check() {
    if (!this.#samples.length) {
      throw mistake("record", "First record a voice, or choose a sound file.");
    }
    if (!by("consent").checked) {
      throw mistake("consent", "Tick that this is your own voice, or that its owner agreed.");
    }
  }

  async #attempt(work) {
    try {
      this.events.tell("");
      await work();
    } catch (error) {
      this.events.fail(error);
    }
  }

  async #record() {
    if (this.#stop) {
      await this.#stop();
      return;
    }
    let seconds = 0;
    let end;
    by("record").disabled = true;
    try {
      end = await record((part, rate) => {
        const loudness = Math.hypot(...part) / Math.sqrt(part.length);
        by("level").value = 1 + Math.log10(loudness + 1e-9) / DECADES;
        seconds += part.length / rate;
        if (seconds >= MOST_RECORDED) this.#attempt(async () => this.#stop?.());
      });
    } catch (error) {
      throw new Problem(microphoneProblem(error));
    } finally {
      by("record").disabled = false;
    }
    this.player.stop();
    this.#listening(true);
    this.events.tell("Recording.");
    this.#stop = async () => {
      this.#stop = null;
      this.#listening(false);
      const { samples, rate } = await end();
      if (!by("said").value.trim()) by("said").value = this.sentence;
      this.#take(await resampled(samples, rate), "Recorded");
    };
  }

  #listening(on) {
    by("record").setAttribute("aria-pressed", on);
    by("record").querySelector("span").textContent = on ? "Stop" : "Record";
    by("level").hidden = !on;
  }

  #open(file) {
    return this.#attempt(async () => {
      if (!file) return;
      if (file.size > MOST_BYTES) {
        throw mistake("file", `${file.name} is larger than ${MOST_BYTES >> 20} MB: cut it first.`);
      }
      let samples;
      try {
        samples = await decoded(file);
      } catch {
        throw mistake("file", `${file.name} is no sound file that this browser can read.`);
      }
      if (by("said").value === this.sentence) by("said").value = "";
      this.#take(samples, file.name);
    });
  }

  #take(samples, origin) {
    const seconds = samples.length / RATE;
    if (seconds < SHORTEST) {
      throw mistake("record", `That is ${seconds.toFixed(1)} s long: a voice needs three seconds.`);
    }
    this.#samples = samples;
    this.origin = origin;
    by("prompt-figure").hidden = by("trim").hidden = false;
    by("hear").disabled = false;
    for (const id of ["from", "to"]) by(id).max = seconds;
    by("from").value = 0;
    by("to").value = seconds;
    this.redraw();
    this.#cut("to");
    this.events.tell(`${origin}: ${seconds.toFixed(1)} s.`);
  }

  /** Keep the two ends apart, and say what lies between them. */
  #cut(moved) {
    const [from, to] = [by("from"), by("to")];
    if (to.value - from.value < SHORTEST) {
      if (moved === "from") from.value = to.value - SHORTEST;
      else to.value = Number(from.value) + SHORTEST;
      if (to.value - from.value < SHORTEST) from.value = to.value - SHORTEST;
    }
    for (const end of [from, to]) {
      end.setAttribute("aria-valuetext", `${Number(end.value).toFixed(2)} seconds`);
    }
    const seconds = to.value - from.value;
    const shown = by("chosen").style;
    shown.left = `${(100 * from.value) / from.max}%`;
    shown.width = `${(100 * seconds) / from.max}%`;
    by("prompt-caption").textContent = `${this.origin}, ${seconds.toFixed(1)} s${
      seconds > LONGEST ? `: only about ${LONGEST} s are heard, so cut it and its words` : ""}`;
  }

  #hear() {
    if (this.player.sound && this.player.sound === this.heard) this.player.stop();
    else this.player.play((this.heard = Sound.of(this.#chosen(), RATE)));
  }

  #label() {
    const on = this.player.sound && this.player.sound === this.heard;
    by("hear").textContent = on ? "Stop" : "Listen";
  }

  async #keep() {
    this.#check();
    const name = by("name").value.trim().toLowerCase();
    if (!name) throw mistake("name", "Give the voice a name: letters, digits, - and _.");
    const consent = `${document.querySelector("label[for=consent]").textContent.trim()} ` +
      `(ticked on valle's page for the voice ${name}, ${new Date().toISOString()})`;
    by("keep").disabled = true;
    try {
      const made = await keep(name, this.#file(), by("said").value.trim(), consent);
      by("name").value = "";
      if (made.text_by) this.heard(made.text);
      this.events.tell([`${made.name} is kept.`, ...made.warnings].join(" "));
      await this.events.kept(made.id);
    } finally {
      by("keep").disabled = false;
    }
  }

  #takeDrops() {
    const over = (on) => this.panel.classList.toggle("over", on);
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      over(!this.panel.hidden);
    });
    document.addEventListener("dragleave", () => over(false));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      const [file] = event.dataTransfer.files;
      if (!file) return;
      this.events.dropped();
      this.#open(file);
    });
  }
}

/** What the user must mend, and where. */
function mistake(id, message) {
  by(id).focus();
  return new Problem(message);
}
