// Records one message with the microphone.

/** A recording that could not be made; the message is for the person. */
export class VoiceProblem extends Error {}

/**
 * Starts recording.
 *
 * `stop()` resolves to the audio, `cancel()` throws it away; both let go of the microphone.
 * Raises VoiceProblem when there is no microphone or its use is refused.
 */
export async function startRecording() {
  if (!navigator.mediaDevices?.getUserMedia || typeof MediaRecorder === "undefined") {
    throw new VoiceProblem("This browser cannot record sound. Please type your message.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    throw new VoiceProblem(
      error.name === "NotAllowedError"
        ? "This page may not use the microphone. Allow it in the browser, or type your message."
        : "No microphone was found. Please type your message.",
    );
  }
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  const release = () => stream.getTracks().forEach((track) => track.stop());
  recorder.start();
  return {
    stop: () =>
      new Promise((resolve) => {
        recorder.addEventListener("stop", () => {
          release();
          resolve(new Blob(parts, { type: recorder.mimeType || "audio/webm" }));
        });
        recorder.stop();
      }),
    cancel: () => {
      recorder.stop();
      release();
    },
  };
}
