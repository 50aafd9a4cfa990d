// Hands the microphone's samples to the page, in parts of about a tenth of a second.

const SIZE = 4096;

class Tap extends AudioWorkletProcessor {
  #part = new Float32Array(SIZE);
  #filled = 0;

  process([[samples]]) {
    if (!samples) return true;
    this.#part.set(samples, this.#filled);
    this.#filled += samples.length;
    if (this.#filled === SIZE) {
      this.port.postMessage(this.#part.slice());
      this.#filled = 0;
    }
    return true;
  }
}

registerProcessor("tap", Tap);
