// The words of a text and when they are said: marked on the page, and as subtitles.

const LONGEST = 42; // characters of a subtitle
const PAUSE = 0.7; // seconds that end one

/** Shows a text, its spoken words as spans; `at(seconds)` marks the one that is heard. */
export class Words {
  #spans = [];
  #rest = 0; // where the part that is not yet spoken begins
  #marked = null;
  timings = [];

  constructor(place, text) {
    this.place = place;
    this.text = text;
    this.tail = document.createElement("span");
    this.tail.className = "to-come";
    this.tail.textContent = text;
    place.replaceChildren(this.tail);
  }

  add(timings) {
    for (const timing of timings) {
      const start = this.text.indexOf(timing.word, this.#rest);
      if (start < 0) continue;
      const span = document.createElement("span");
      span.textContent = timing.word;
      span.dataset.start = timing.start;
      this.tail.before(this.text.slice(this.#rest, start), span);
      this.#rest = start + timing.word.length;
      this.#spans.push(span);
      this.timings.push(timing);
    }
    this.tail.textContent = this.text.slice(this.#rest);
  }

  /** All is said: nothing is still to come. */
  end() {
    this.tail.classList.remove("to-come");
  }

  at(seconds) {
    const index = this.timings.findIndex((one) => one.start <= seconds && seconds < one.end);
    const found = this.#spans[index] ?? null;
    if (found === this.#marked) return;
    this.#marked?.classList.remove("heard");
    this.#marked = found;
    if (!found) return;
    found.classList.add("heard");
    const below = found.offsetTop + found.offsetHeight - this.place.clientHeight;
    if (this.place.scrollTop < below || this.place.scrollTop > found.offsetTop) {
      this.place.scrollTop = found.offsetTop;
    }
  }
}

/** SubRip subtitles of [{word, start, end}]. */
export function srt(timings) {
  return cues(timings).map((cue, index) => `${index + 1}\n${time(cue[0].start)} --> ${
    time(cue.at(-1).end)}\n${cue.map((one) => one.word).join(" ")}\n`).join("\n");
}

function cues(timings) {
  const found = [];
  let cue = [];
  for (const one of timings) {
    const last = cue.at(-1);
    const long = [...cue, one].map((each) => each.word).join(" ").length > LONGEST;
    if (last && (long || /[.!?]["')\]]*$/.test(last.word) || one.start - last.end > PAUSE)) {
      found.push(cue);
      cue = [];
    }
    cue.push(one);
  }
  return cue.length ? [...found, cue] : found;
}

function time(seconds) {
  const whole = Math.round(seconds * 1000);
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${two(whole / 3600000)}:${two((whole / 60000) % 60)}:${two((whole / 1000) % 60)},${
    String(whole % 1000).padStart(3, "0")}`;
}
