// A waveform and a spectrogram on canvas, in the colours of the page.

const SIZE = 512; // samples of a spectrum
const FLOOR = -75; // dB below the loudest that are still drawn
const WINDOW = Float32Array.from({ length: SIZE },
                                 (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SIZE));

/** Draw samples on canvases in `place`; `seconds` is how long the picture is, if longer. */
export function draw(place, samples, rate, seconds = 0) {
  const total = Math.max(samples.length, Math.round(seconds * rate), 1);
  drawWave(place.querySelector(".wave"), samples, total);
  drawSpectrogram(place.querySelector(".spectrogram"), samples, rate, total);
}

function fitted(canvas) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * scale));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * scale));
  return canvas.getContext("2d");
}

function colour(canvas, name) {
  const value = getComputedStyle(canvas).getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16));
}

function drawWave(canvas, samples, total) {
  const context = fitted(canvas);
  const { width, height } = canvas;
  const middle = height / 2;
  const loudest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0.1);
  context.fillStyle = `rgb(${colour(canvas, "--wave")})`;
  for (let x = 0; x < width; x++) {
    const part = samples.subarray(Math.floor((x * total) / width),
                                  Math.floor(((x + 1) * total) / width) || 1);
    if (!part.length) break;
    let low = 0;
    let high = 0;
    for (const value of part) {
      if (value < low) low = value;
      else if (value > high) high = value;
    }
    const top = middle - (high / loudest) * middle * 0.95;
    const bottom = middle - (low / loudest) * middle * 0.95;
    context.fillRect(x, top, 1, Math.max(1, bottom - top));
  }
}

function drawSpectrogram(canvas, samples, rate, total) {
  const context = fitted(canvas);
  const { width, height } = canvas;
  const columns = Math.ceil((width * samples.length) / total);
  if (!columns) return;
  const rows = binsOfRows(height, rate);
  const spectra = Array.from({ length: columns }, (_, x) => powers(
    samples, Math.round(((x + 0.5) * total) / width) - SIZE / 2));
  let most = 1e-9;
  for (const spectrum of spectra) for (const power of spectrum) most = Math.max(most, power);
  const [paper, ink] = [colour(canvas, "--sunk"), colour(canvas, "--wave")];
  const image = context.createImageData(columns, height);
  for (let x = 0; x < columns; x++) {
    for (let y = 0; y < height; y++) {
      const level = 10 * Math.log10(spectra[x][rows[y]] / most + 1e-12);
      const depth = Math.max(0, 1 - level / FLOOR) ** 1.6;
      const at = 4 * (y * columns + x);
      for (let c = 0; c < 3; c++) image.data[at + c] = paper[c] + (ink[c] - paper[c]) * depth;
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

/** The bin of the spectrum that each row shows: mel scale, low frequencies below. */
function binsOfRows(height, rate) {
  const mel = (hertz) => Math.log(1 + hertz / 700);
  const most = mel(rate / 2);
  return Array.from({ length: height }, (_, y) => Math.min(SIZE / 2 - 1, Math.round(
    ((Math.exp(most * (1 - y / height)) - 1) * 700 * SIZE) / rate)));
}

/** Powers [SIZE / 2] of the spectrum of samples from `start`. */
function powers(samples, start) {
  const re = new Float32Array(SIZE);
  const im = new Float32Array(SIZE);
  for (let n = 0; n < SIZE; n++) re[n] = (samples[start + n] ?? 0) * WINDOW[n];
  fft(re, im);
  return re.subarray(0, SIZE / 2).map((value, k) => value * value + im[k] * im[k]);
}

/** In place; the length is a power of two. */
function fft(re, im) {
  const size = re.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j]] = [re[j], re[i]]; // the input is real: im is all zeros
  }
  for (let half = 1; half < size; half *= 2) {
    for (let k = 0; k < half; k++) {
      const [c, s] = [Math.cos((Math.PI * k) / half), -Math.sin((Math.PI * k) / half)];
      for (let at = k; at < size; at += 2 * half) {
        const other = at + half;
        const [x, y] = [re[other] * c - im[other] * s, re[other] * s + im[other] * c];
        [re[other], im[other]] = [re[at] - x, im[at] - y];
        [re[at], im[at]] = [re[at] + x, im[at] + y];
      }
    }
  }
}
