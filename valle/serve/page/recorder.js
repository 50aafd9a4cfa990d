// The microphone, without what browsers do to a voice: samples as they come.

/** Record; `onPart(samples, rate)` hears each part. Resolves to what ends it: {samples, rate}. */
export async function record(onPart) {
  if (!navigator.mediaDevices || !window.AudioWorkletNode) {
    throw new Error("This browser records only on a secure page: open valle as localhost or by " +
                    "https, or choose a sound file.");
  }
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  const context = new AudioContext();
  await context.audioWorklet.addModule(new URL("recorder-worklet.js", import.meta.url));
  const source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
  const parts = [];
  tap.port.onmessage = ({ data }) => {
    parts.push(data);
    onPart(data, context.sampleRate);
  };
  source.connect(tap);
  return async () => {
    source.disconnect();
    for (const track of stream.getTracks()) track.stop();
    const rate = context.sampleRate;
    await context.close();
    const samples = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => {
      samples.set(part, at);
      return at + part.length;
    }, 0);
    return { samples, rate };
  };
}

/** What went wrong with the microphone, in words. */
export function microphoneProblem(error) {
  const known = {
    NotAllowedError: "The browser does not allow the microphone: allow it beside the address, or " +
                     "choose a sound file.",
    NotFoundError: "There is no microphone: choose a sound file.",
    NotReadableError: "The microphone is in use by another program.",
  };
  return known[error.name] ?? error.message;
}
