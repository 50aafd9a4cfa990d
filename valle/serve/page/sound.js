// Sound in memory: a WAV file that is still arriving, recordings decoded, WAV files made.

export const RATE = 24000; // of recordings that are sent to the server

/** A sound that grows: samples [length] at `rate`, until it is `done`. */
export class Sound {
  #samples = new Float32Array(1 << 16);
  length = 0;
  done = false;

  constructor(rate = 0) {
    this.rate = rate;
  }

  static of(samples, rate) {
    const sound = new Sound(rate);
    sound.append(samples);
    sound.done = true;
    return sound;
  }

  get samples() {
    return this.#samples.subarray(0, this.length);
  }

  get seconds() {
    return this.rate ? this.length / this.rate : 0;
  }

  append(samples) {
    const length = this.length + samples.length;
    if (length > this.#samples.length) {
      const larger = new Float32Array(Math.max(length, 2 * this.#samples.length));
      larger.set(this.samples);
      this.#samples = larger;
    }
    this.#samples.set(samples, this.length);
    this.length = length;
  }
}

/** A 16-bit mono WAV file that arrives in pieces; its header says nothing of its length. */
export class ArrivingWav extends Sound {
  #header = null;
  #rest = new Uint8Array();
  #parts = [];

  push(bytes) {
    let data = joined(this.#rest, bytes);
    if (!this.#header) {
      const start = this.#readHeader(data);
      if (!start) {
        this.#rest = data;
        return;
      }
      this.#header = data.slice(0, start);
      data = data.subarray(start);
    }
    const even = data.length & ~1;
    this.#rest = data.slice(even);
    this.#parts.push(data.slice(0, even));
    const view = new DataView(data.buffer, data.byteOffset, even);
    this.append(Float32Array.from({ length: even / 2 },
                                  (_, index) => view.getInt16(2 * index, true) / 32768));
  }

  /** The file as the server would have sent it whole: with its tags, and with its length. */
  file() {
    const header = this.#header.slice();
    const view = new DataView(header.buffer);
    view.setUint32(4, header.length - 8 + 2 * this.length, true);
    view.setUint32(header.length - 4, 2 * this.length, true);
    return new Blob([header, ...this.#parts], { type: "audio/wav" });
  }

  /** Where samples begin; 0 while that is not known. */
  #readHeader(data) {
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    for (let at = 12; at + 8 <= data.length;) {
      const kind = String.fromCharCode(...data.subarray(at, at + 4));
      if (kind === "data") return at + 8;
      if (kind === "fmt " && at + 16 <= data.length) this.rate = view.getUint32(at + 12, true);
      const size = view.getUint32(at + 4, true);
      at += 8 + size + (size & 1);
    }
    return 0;
  }
}

function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Samples [N] as a 16-bit mono WAV file. */
export function wav(samples, rate) {
  const file = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const name = (at, letters) => [...letters].forEach(
    (letter, index) => file.setUint8(at + index, letter.charCodeAt(0)));
  name(0, "RIFF");
  file.setUint32(4, 36 + 2 * samples.length, true);
  name(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true);
  file.setUint16(22, 1, true);
  file.setUint32(24, rate, true);
  file.setUint32(28, 2 * rate, true);
  file.setUint16(32, 2, true);
  file.setUint16(34, 16, true);
  name(36, "data");
  file.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, index) => file.setInt16(
    44 + 2 * index, Math.round(Math.max(-1, Math.min(1, value)) * 32767), true));
  return new Blob([file], { type: "audio/wav" });
}

/** Samples [N] at RATE of any sound file that the browser can read. */
export async function decoded(blob) {
  const context = new OfflineAudioContext(1, 1, RATE);
  return mixed(await context.decodeAudioData(await blob.arrayBuffer()));
}

/** Samples [N] at RATE of samples at another rate. */
export async function resampled(samples, rate) {
  if (rate === RATE || !samples.length) return samples;
  const context = new OfflineAudioContext(1, Math.ceil(samples.length * RATE / rate), RATE);
  const buffer = context.createBuffer(1, samples.length, rate);
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start();
  return (await context.startRendering()).getChannelData(0);
}

function mixed(buffer) {
  const sum = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let index = 0; index < sum.length; index++) {
      sum[index] += samples[index] / buffer.numberOfChannels;
    }
  }
  return sum;
}

/** A blob as a data URL. */
export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
