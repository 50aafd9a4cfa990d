// One sound at a time, also while it is still arriving: buffers are scheduled one behind another.

const LEAD = 0.06; // seconds between a buffer's arrival and its beginning

/** Fires "change" when it starts or stops, "end" when a sound is over, "time" while it plays. */
export class Player extends EventTarget {
  #context = null;
  #sources = new Set();
  #anchors = []; // {at: the context's time, sample, seconds}: what is heard when
  #scheduled = 0; // samples
  sound = null;

  /** To be called when the user does something: browsers allow no sound before that. */
  wake(rate) {
    this.#context ??= new AudioContext({ sampleRate: rate });
    this.#context.resume();
  }

  play(sound, from = 0) {
    this.stop();
    this.wake(sound.rate || 24000);
    this.sound = sound;
    this.#scheduled = Math.min(Math.round(from * sound.rate), sound.length);
    this.more(sound);
    this.#follow();
    this.dispatchEvent(new Event("change"));
  }

  stop() {
    if (!this.sound) return;
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
    }
    this.#sources.clear();
    this.#anchors = [];
    this.sound = null;
    this.dispatchEvent(new Event("change"));
  }

  /** More of a sound is there, or its end. */
  more(sound) {
    if (sound !== this.sound) return;
    const samples = sound.samples.subarray(this.#scheduled);
    if (samples.length) this.#schedule(samples);
    else if (!this.#sources.size) this.#endIfDone();
  }

  /** Seconds of the sound that were heard. */
  get position() {
    if (!this.#anchors.length) return this.sound?.rate ? this.#scheduled / this.sound.rate : 0;
    const now = this.#context.currentTime - (this.#context.outputLatency || 0);
    const anchor = this.#anchors.findLast((one) => one.at <= now) ?? this.#anchors[0];
    const since = Math.min(Math.max(0, now - anchor.at), anchor.seconds);
    return anchor.sample / this.sound.rate + since;
  }

  #schedule(samples) {
    const context = this.#context;
    const buffer = context.createBuffer(1, samples.length, this.sound.rate);
    buffer.copyToChannel(samples, 0);
    const last = this.#anchors.at(-1);
    const at = Math.max(context.currentTime + LEAD, last ? last.at + last.seconds : 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(context.destination);
    source.onended = () => {
      this.#sources.delete(source);
      if (!this.#sources.size) this.#endIfDone();
    };
    source.start(at);
    this.#sources.add(source);
    this.#anchors.push({ at, sample: this.#scheduled, seconds: buffer.duration });
    this.#scheduled += samples.length;
  }

  #endIfDone() {
    if (!this.sound?.done || this.#scheduled < this.sound.length) return;
    const sound = this.sound;
    this.stop();
    this.dispatchEvent(new CustomEvent("end", { detail: sound }));
  }

  #follow() {
    const sound = this.sound;
    const step = () => {
      if (this.sound !== sound) return;
      this.dispatchEvent(new Event("time"));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
}
