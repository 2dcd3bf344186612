// Reads QR codes from the camera and from pictures: by the browser where it can, else by a decoder that is loaded then.

/** @typedef {ImageBitmapSource & CanvasImageSource} Source */
/** @typedef {(source: Source, width: number, height: number) => Promise<string|null>} Reader */
/** @typedef {{detect(source: Source): Promise<Array<{rawValue: string}>>}} Detector */
/** @typedef {{new (options: {formats: string[]}): Detector, getSupportedFormats(): Promise<string[]>}} DetectorClass */
/** @typedef {(data: Uint8ClampedArray, width: number, height: number) => {data: string}|null} Decoder */

const OFTEN = 150; // milliseconds between two tries
const MOST = 1_000; // pixels of the longer side that the loaded decoder is given

/** The browser's own reader. @returns {Promise<Reader|null>} */
async function ownReader() {
  const Class = /** @type {{BarcodeDetector?: DetectorClass}} */ (globalThis).BarcodeDetector;
  const formats = await Class?.getSupportedFormats().catch(() => null);
  if (!Class || !formats?.includes("qr_code")) return null;
  const detector = new Class({ formats: ["qr_code"] });
  return async (source) => (await detector.detect(source))[0]?.rawValue ?? null;
}

/** The reader that is loaded. @returns {Promise<Reader>} */
async function loadedReader() {
  const name = "./jsqr.js";
  await import(name);
  const decode = /** @type {{jsQR: Decoder}} */ (/** @type {unknown} */ (globalThis)).jsQR;
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  return async (source, width, height) => {
    const scale = Math.min(1, MOST / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return decode(data, canvas.width, canvas.height)?.data ?? null;
  };
}

/** @type {Promise<Reader>|undefined} */
let reader;

/** The decoder could not be fetched. */
export class NoReader extends Error {}

/** The reader, made once. @throws {NoReader} */
const theReader = () => (reader ??= ownReader().then((own) => own ?? loadedReader()).catch(() => {
  reader = undefined;
  throw new NoReader();
}));

/** Reads the code in a picture; null where there is none. @param {Blob} file @throws {NoReader} */
export async function readPicture(file) {
  const read = await theReader();
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return null;
  const text = await read(picture, picture.width, picture.height).catch(() => null);
  picture.close();
  return text;
}

/**
 * Shows the camera in a video and reads until it is stopped.
 * @param {HTMLVideoElement} video
 * @param {(text: string) => void} found called for each code that is seen
 * @param {AbortSignal} end stops the camera
 * @throws {DOMException | NoReader} `NotAllowedError` where the person or the system refuses
 */
export async function readCamera(video, found, end) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment" } });
  const stop = () => stream.getTracks().forEach((track) => track.stop());
  end.addEventListener("abort", stop);
  if (end.aborted) return stop();
  video.srcObject = stream;
  await video.play().catch(() => {}); // a page that was left while it began
  const read = await theReader().catch((fault) => {
    stop();
    throw fault;
  });
  const look = async () => {
    if (end.aborted) return;
    const { videoWidth, videoHeight } = video;
    const text = videoWidth ? await read(video, videoWidth, videoHeight).catch(() => null) : null;
    if (end.aborted) return;
    if (text) found(text);
    setTimeout(look, OFTEN);
  };
  look();
}
