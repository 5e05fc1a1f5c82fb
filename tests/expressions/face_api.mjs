// What @vladmandic/face-api's expression net answers to pictures; peers.py starts it.
//
//     node face_api.mjs FOLDER
//
// FOLDER/node_modules holds the packages. Standard input brings pictures, one after another: width and height as 32-bit little-endian
// integers, then RGB bytes. Each is answered on standard output by eight 32-bit floats: the probabilities in the package's order
// (neutral, happy, sad, angry, fearful, disgusted, surprised), and the milliseconds that they took. The package itself pads, resizes
// and normalizes the pictures. It runs on the WebAssembly backend of TensorFlow.js, on one thread.

import { createRequire } from 'node:module';
import path from 'node:path';

const folder = path.resolve(process.argv[2], 'node_modules');
const require = createRequire(path.join(folder, 'any.js'));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(path.join(folder, '@tensorflow/tfjs-backend-wasm/dist') + path.sep);
wasm.setThreadsCount(1);
if (!(await tf.setBackend('wasm'))) throw new Error('the WebAssembly backend of TensorFlow.js does not start');
await tf.ready();
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
const net = faceapi.nets.faceExpressionNet;
await net.loadFromDisk(path.join(folder, '@vladmandic/face-api/model'));

let waiting = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  waiting = waiting.length ? Buffer.concat([waiting, chunk]) : chunk;
  while (waiting.length >= 8) {
    const [width, height] = [waiting.readUInt32LE(0), waiting.readUInt32LE(4)];
    const end = 8 + width * height * 3;
    if (waiting.length < end) break;
    const pixels = Int32Array.from(waiting.subarray(8, end));
    waiting = waiting.subarray(end);
    const began = performance.now();
    const picture = tf.tensor3d(pixels, [height, width, 3], 'int32');
    const found = await net.predictExpressions(picture);
    const milliseconds = performance.now() - began;
    picture.dispose();
    const names = ['neutral', 'happy', 'sad', 'angry', 'fearful', 'disgusted', 'surprised'];
    const answer = Float32Array.from([...names.map((name) => found[name]), milliseconds]);
    process.stdout.write(Buffer.from(answer.buffer));
  }
}
