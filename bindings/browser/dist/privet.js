/*! privet, Apache-2.0. With @noble/hashes:

The MIT License (MIT)

Copyright (c) 2022 Paul Miller (https://paulmillr.com)

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the “Software”), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in
all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED “AS IS”, WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN
THE SOFTWARE.
*/

// src/bytes.ts
var utf8 = (text2) => new TextEncoder().encode(text2);
var concat = (...parts) => joined(parts);
function joined(parts) {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at2 = 0;
  for (const part of parts) {
    out.set(part, at2);
    at2 += part.length;
  }
  return out;
}
function u16(value) {
  return Uint8Array.of(value & 255, value >>> 8);
}
function u32(value) {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}
function u64(value) {
  return concat(u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32)));
}
function equal(a, b) {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ (b[i] ?? 0);
  return difference === 0;
}
var hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
function fromHex(text2, length) {
  if (typeof text2 !== "string" || text2.length !== 2 * length || !/^[0-9a-fA-F]*$/.test(text2)) return void 0;
  return Uint8Array.from({ length }, (_, i) => parseInt(text2.slice(2 * i, 2 * i + 2), 16));
}
function fromBase64(text2) {
  if (typeof text2 !== "string") return void 0;
  try {
    return Uint8Array.from(atob(text2), (letter) => letter.charCodeAt(0));
  } catch {
    return void 0;
  }
}
function wipe(...secrets) {
  for (const secret of secrets) {
    if (secret) new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength).fill(0);
  }
}
var Reader = class {
  constructor(rest) {
    this.rest = rest;
  }
  rest;
  take(length) {
    if (length > this.rest.length) return void 0;
    const front = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return front;
  }
  u32() {
    const bytes = this.take(4);
    return bytes && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }
  u64() {
    const [low, high] = [this.u32(), this.u32()];
    return low === void 0 || high === void 0 ? void 0 : high * 2 ** 32 + low;
  }
};

// node_modules/@noble/hashes/_u64.js
var fromNumH = (n) => n / 2 ** 32 | 0;
var fromNumL = (n) => n >>> 0;

// node_modules/@noble/hashes/utils.js
function isBytes(a) {
  return a instanceof Uint8Array || ArrayBuffer.isView(a) && a.constructor.name === "Uint8Array" && "BYTES_PER_ELEMENT" in a && a.BYTES_PER_ELEMENT === 1;
}
var atitle = (title) => title ? `"${title}" ` : "";
function anumber(n, title = "") {
  if (typeof n !== "number")
    throw new TypeError(atitle(title) + "expected number, got " + typeof n);
  if (!Number.isSafeInteger(n) || n < 0)
    throw new RangeError(atitle(title) + "expected integer >= 0, got " + n);
  return n;
}
function abytes(value, length, title = "") {
  if (isBytes(value) && (length === void 0 || value.length === length))
    return value;
  if (length !== void 0)
    anumber(length, "length");
  const bytes = isBytes(value);
  const ofLen = length !== void 0 ? ` of length ${length}` : "";
  const got = bytes ? `length=${value.length}` : `type=${typeof value}`;
  const message = atitle(title) + "expected Uint8Array" + ofLen + ", got " + got;
  if (!bytes)
    throw new TypeError(message);
  throw new RangeError(message);
}
function copyBytes(bytes) {
  return Uint8Array.from(abytes(bytes));
}
var aobject = (value, label2) => {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new TypeError((label2 === "object" ? "" : `"${label2}" `) + "expected object, got type=" + typeof value);
};
var aopts = (value, label2) => {
  aobject(value, label2);
  const proto = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null)
    throw new TypeError(`"${label2}" expected plain object`);
  if (Object.hasOwn(value, "__proto__"))
    throw new TypeError(`"${label2}.__proto__" is not allowed`);
};
function aexists(instance, checkFinished = true) {
  if (instance.destroyed)
    throw new Error("hash was destroyed");
  if (checkFinished && instance.finished)
    throw new Error("digest() was already called");
}
function aoutput(out, instance) {
  abytes(out, void 0, "output");
  const min = instance.outputLen;
  if (!(out.length >= min)) {
    throw new RangeError('"output" expected length >= ' + min);
  }
}
function u8(arr) {
  return new Uint8Array(arr.buffer, arr.byteOffset, arr.byteLength);
}
function u322(arr) {
  return new Uint32Array(arr.buffer, arr.byteOffset, Math.floor(arr.byteLength / 4));
}
function clean(...arrays) {
  for (let i = 0; i < arrays.length; i++) {
    arrays[i].fill(0);
  }
}
function rotr(word, shift) {
  return word << 32 - shift | word >>> shift;
}
var isLE = /* @__PURE__ */ (() => new Uint8Array(new Uint32Array([287454020]).buffer)[0] === 68)();
function byteSwap(word) {
  return word << 24 & 4278190080 | word << 8 & 16711680 | word >>> 8 & 65280 | word >>> 24 & 255;
}
var swap8IfBE = isLE ? (n) => n : (n) => byteSwap(n) >>> 0;
function byteSwap32(arr) {
  for (let i = 0; i < arr.length; i++) {
    arr[i] = byteSwap(arr[i]);
  }
  return arr;
}
var swap32IfBE = isLE ? (u) => u : byteSwap32;
function checkOpts(defaults, opts, title = "opts") {
  aopts(defaults, "defaults");
  if (opts !== void 0)
    aopts(opts, title);
  const merged = Object.assign(/* @__PURE__ */ Object.create(null), defaults, opts);
  return merged;
}
function createHasher(hashCons, info = {}) {
  if (typeof hashCons !== "function")
    throw new TypeError('"hashCons" expected function, got type=' + typeof hashCons);
  info = checkOpts({}, info, "info");
  const hashC = (msg, opts) => hashCons(opts).update(msg).digest();
  const tmp = hashCons(void 0);
  hashC.outputLen = tmp.outputLen;
  hashC.blockLen = tmp.blockLen;
  hashC.canXOF = tmp.canXOF;
  hashC.create = (opts) => hashCons(opts);
  Object.assign(hashC, info);
  return Object.freeze(hashC);
}

// node_modules/@noble/hashes/_md.js
var SHA256_IV = /* @__PURE__ */ Uint32Array.from([
  1779033703,
  3144134277,
  1013904242,
  2773480762,
  1359893119,
  2600822924,
  528734635,
  1541459225
]);

// node_modules/@noble/hashes/_blake.js
function G1s(a, b, c, d, x) {
  a = a + b + x | 0;
  d = rotr(d ^ a, 16);
  c = c + d | 0;
  b = rotr(b ^ c, 12);
  return { a, b, c, d };
}
function G2s(a, b, c, d, x) {
  a = a + b + x | 0;
  d = rotr(d ^ a, 8);
  c = c + d | 0;
  b = rotr(b ^ c, 7);
  return { a, b, c, d };
}

// node_modules/@noble/hashes/blake2.js
var _BLAKE2 = class {
  buffer;
  buffer32;
  finished = false;
  destroyed = false;
  length = 0;
  pos = 0;
  blockLen;
  outputLen;
  canXOF = false;
  constructor(blockLen, outputLen) {
    anumber(blockLen);
    anumber(outputLen);
    this.blockLen = blockLen;
    this.outputLen = outputLen;
    this.buffer = new Uint8Array(blockLen);
    this.buffer32 = u322(this.buffer);
  }
  update(data) {
    aexists(this);
    abytes(data);
    const { blockLen, buffer, buffer32 } = this;
    const len = data.length;
    const offset = data.byteOffset;
    const buf = data.buffer;
    for (let pos = 0; pos < len; ) {
      if (this.pos === blockLen) {
        swap32IfBE(buffer32);
        this.compress(buffer32, 0, false);
        swap32IfBE(buffer32);
        this.pos = 0;
      }
      const take = Math.min(blockLen - this.pos, len - pos);
      const dataOffset = offset + pos;
      if (take === blockLen && !(dataOffset % 4) && pos + take < len) {
        const data32 = new Uint32Array(buf, dataOffset, Math.floor((len - pos) / 4));
        swap32IfBE(data32);
        for (let pos32 = 0; pos + blockLen < len; pos32 += buffer32.length, pos += blockLen) {
          this.length += blockLen;
          this.compress(data32, pos32, false);
        }
        swap32IfBE(data32);
        continue;
      }
      buffer.set(pos === 0 && take === len ? data : data.subarray(pos, pos + take), this.pos);
      this.pos += take;
      this.length += take;
      pos += take;
    }
    return this;
  }
  digestInto(out) {
    aexists(this);
    aoutput(out, this);
    if (out.byteOffset & 3)
      throw new RangeError('"output" expected 4-byte aligned byteOffset, got ' + out.byteOffset);
    const { pos, buffer32 } = this;
    this.finished = true;
    this.buffer.fill(0, pos);
    swap32IfBE(buffer32);
    this.compress(buffer32, 0, true);
    swap32IfBE(buffer32);
    const state = this.get();
    const out32 = out === this.buffer ? buffer32 : u322(out);
    const full = Math.floor(this.outputLen / 4);
    for (let i = 0; i < full; i++)
      out32[i] = swap8IfBE(state[i]);
    const tail = this.outputLen % 4;
    if (!tail)
      return;
    const off = full * 4;
    const word = state[full];
    for (let i = 0; i < tail; i++)
      out[off + i] = word >>> 8 * i;
  }
  digest() {
    const { buffer, outputLen } = this;
    this.digestInto(buffer);
    const res = buffer.slice(0, outputLen);
    this.destroy();
    return res;
  }
  _cloneInto(to) {
    const { buffer, length, finished, destroyed, outputLen, pos } = this;
    to ||= new this.constructor({ dkLen: outputLen });
    to.set(...this.get());
    to.buffer.set(buffer);
    to.destroyed = destroyed;
    to.finished = finished;
    to.length = length;
    to.pos = pos;
    to.outputLen = outputLen;
    return to;
  }
  clone() {
    return this._cloneInto();
  }
};
function _compress(s, offset, msg, rounds, v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15) {
  let j = 0;
  for (let i = 0; i < rounds; i++) {
    ({ a: v0, b: v4, c: v8, d: v12 } = G1s(v0, v4, v8, v12, msg[offset + s[j++]]));
    ({ a: v0, b: v4, c: v8, d: v12 } = G2s(v0, v4, v8, v12, msg[offset + s[j++]]));
    ({ a: v1, b: v5, c: v9, d: v13 } = G1s(v1, v5, v9, v13, msg[offset + s[j++]]));
    ({ a: v1, b: v5, c: v9, d: v13 } = G2s(v1, v5, v9, v13, msg[offset + s[j++]]));
    ({ a: v2, b: v6, c: v10, d: v14 } = G1s(v2, v6, v10, v14, msg[offset + s[j++]]));
    ({ a: v2, b: v6, c: v10, d: v14 } = G2s(v2, v6, v10, v14, msg[offset + s[j++]]));
    ({ a: v3, b: v7, c: v11, d: v15 } = G1s(v3, v7, v11, v15, msg[offset + s[j++]]));
    ({ a: v3, b: v7, c: v11, d: v15 } = G2s(v3, v7, v11, v15, msg[offset + s[j++]]));
    ({ a: v0, b: v5, c: v10, d: v15 } = G1s(v0, v5, v10, v15, msg[offset + s[j++]]));
    ({ a: v0, b: v5, c: v10, d: v15 } = G2s(v0, v5, v10, v15, msg[offset + s[j++]]));
    ({ a: v1, b: v6, c: v11, d: v12 } = G1s(v1, v6, v11, v12, msg[offset + s[j++]]));
    ({ a: v1, b: v6, c: v11, d: v12 } = G2s(v1, v6, v11, v12, msg[offset + s[j++]]));
    ({ a: v2, b: v7, c: v8, d: v13 } = G1s(v2, v7, v8, v13, msg[offset + s[j++]]));
    ({ a: v2, b: v7, c: v8, d: v13 } = G2s(v2, v7, v8, v13, msg[offset + s[j++]]));
    ({ a: v3, b: v4, c: v9, d: v14 } = G1s(v3, v4, v9, v14, msg[offset + s[j++]]));
    ({ a: v3, b: v4, c: v9, d: v14 } = G2s(v3, v4, v9, v14, msg[offset + s[j++]]));
  }
  return { v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 };
}

// node_modules/@noble/hashes/blake3.js
var B3_Flags = {
  CHUNK_START: 1,
  CHUNK_END: 2,
  PARENT: 4,
  ROOT: 8,
  KEYED_HASH: 16,
  DERIVE_KEY_CONTEXT: 32,
  DERIVE_KEY_MATERIAL: 64
};
var B3_IV = /* @__PURE__ */ SHA256_IV.slice();
var B3_SIGMA = /* @__PURE__ */ (() => {
  const Id = Array.from({ length: 16 }, (_, i) => i);
  const permute = (arr) => [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8].map((i) => arr[i]);
  const res = [];
  for (let i = 0, v = Id; i < 7; i++, v = permute(v))
    res.push(...v);
  return Uint8Array.from(res);
})();
var _BLAKE3 = class __BLAKE3 extends _BLAKE2 {
  canXOF = true;
  chunkPos = 0;
  // Position of current block in chunk
  // How many chunks we already have; exact while this stays within
  // JS's safe-integer range.
  chunksDone = 0;
  flags = 0 | 0;
  IV;
  state;
  stack = [];
  // Output
  posOut = 0;
  bufferOut32 = new Uint32Array(16);
  bufferOut;
  // Index of output chunk; exact while this stays within JS's
  // safe-integer range.
  chunkOut = 0;
  enableXOF = true;
  constructor(opts = {}, flags = 0) {
    opts = checkOpts({}, opts);
    super(64, opts.dkLen === void 0 ? 32 : opts.dkLen);
    const { key, context } = opts;
    const hasContext = context !== void 0;
    if (key !== void 0) {
      if (hasContext)
        throw new Error('cannot use both "key" and "context"');
      abytes(key, 32, "key");
      const k = copyBytes(key);
      this.IV = u322(k);
      swap32IfBE(this.IV);
      this.flags = flags | B3_Flags.KEYED_HASH;
    } else if (hasContext) {
      abytes(context, void 0, "context");
      const ctx = context;
      const contextKey = new __BLAKE3({ dkLen: 32 }, B3_Flags.DERIVE_KEY_CONTEXT).update(ctx).digest();
      this.IV = u322(contextKey);
      swap32IfBE(this.IV);
      this.flags = flags | B3_Flags.DERIVE_KEY_MATERIAL;
    } else {
      this.IV = B3_IV;
      this.flags = flags;
    }
    this.state = this.IV.slice();
    this.bufferOut = u8(this.bufferOut32);
  }
  // _BLAKE2's scalar-state hooks are unused here: BLAKE3 keeps its tree/XOF state in arrays and
  // copies it directly in _cloneInto().
  get() {
    return [];
  }
  set() {
  }
  // Truncated chunk/parent compression: seed v8..v15 as IV[0..3], t0, t1,
  // block length, and flags, then keep only the first 8 output words.
  b2Compress(counter, flags, buf, bufPos = 0) {
    const { state: s, pos } = this;
    const t0 = fromNumL(counter);
    const t1 = fromNumH(counter);
    const { v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 } = _compress(B3_SIGMA, bufPos, buf, 7, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], B3_IV[0], B3_IV[1], B3_IV[2], B3_IV[3], t0, t1, pos, flags);
    s[0] = v0 ^ v8;
    s[1] = v1 ^ v9;
    s[2] = v2 ^ v10;
    s[3] = v3 ^ v11;
    s[4] = v4 ^ v12;
    s[5] = v5 ^ v13;
    s[6] = v6 ^ v14;
    s[7] = v7 ^ v15;
  }
  compress(buf, bufPos = 0, isLast = false) {
    let flags = this.flags;
    if (!this.chunkPos)
      flags |= B3_Flags.CHUNK_START;
    if (this.chunkPos === 15 || isLast)
      flags |= B3_Flags.CHUNK_END;
    if (!isLast)
      this.pos = this.blockLen;
    this.b2Compress(this.chunksDone, flags, buf, bufPos);
    this.chunkPos += 1;
    if (this.chunkPos === 16 || isLast) {
      let chunk = this.state;
      this.state = this.IV.slice();
      for (let last, chunks = this.chunksDone + 1; isLast || !(chunks & 1); chunks = Math.floor(chunks / 2)) {
        if (!(last = this.stack.pop()))
          break;
        this.buffer32.set(last, 0);
        this.buffer32.set(chunk, 8);
        this.pos = this.blockLen;
        this.b2Compress(0, this.flags | B3_Flags.PARENT, this.buffer32, 0);
        chunk = this.state;
        this.state = this.IV.slice();
      }
      this.chunksDone++;
      this.chunkPos = 0;
      this.stack.push(chunk);
    }
    this.pos = 0;
  }
  // Overriding hides _BLAKE2's flat implementation, which would otherwise be inherited
  // and silently miss the tree state (CV stack, chunk counters; get()/set() are stubs here).
  _cloneInto(to) {
    const staleOutput = !!to && to.finished && !to.destroyed;
    to = super._cloneInto(to);
    const { IV, flags, state, chunkPos, posOut, chunkOut, stack, chunksDone } = this;
    to.state.set(state);
    to.stack = stack.map((i) => Uint32Array.from(i));
    if (IV === B3_IV) {
      if (to.IV !== B3_IV)
        clean(to.IV);
      to.IV = B3_IV;
    } else if (to.IV === B3_IV) {
      to.IV = IV.slice();
    } else {
      to.IV.set(IV);
    }
    to.flags = flags;
    to.chunkPos = chunkPos;
    to.chunksDone = chunksDone;
    to.posOut = posOut;
    to.chunkOut = chunkOut;
    to.enableXOF = this.enableXOF;
    if (this.finished) {
      to.bufferOut32.set(this.bufferOut32);
    } else if (staleOutput) {
      clean(to.bufferOut32);
    }
    return to;
  }
  destroy() {
    this.destroyed = true;
    clean(this.state, this.buffer32, this.bufferOut32);
    if (this.IV !== B3_IV)
      clean(this.IV);
    clean(...this.stack);
  }
  // Root/XOF compression: rerun the same ROOT inputs with incrementing output
  // counter `t` and materialize all 16 output words.
  // Same as b2Compress, but doesn't modify state and returns 16 u32 array (instead of 8)
  b2CompressOut() {
    const { state: s, pos, flags, buffer32, bufferOut32: out32 } = this;
    const outCounter = this.chunkOut++;
    const t0 = fromNumL(outCounter);
    const t1 = fromNumH(outCounter);
    swap32IfBE(buffer32);
    const { v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 } = _compress(B3_SIGMA, 0, buffer32, 7, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], B3_IV[0], B3_IV[1], B3_IV[2], B3_IV[3], t0, t1, pos, flags);
    out32[0] = v0 ^ v8;
    out32[1] = v1 ^ v9;
    out32[2] = v2 ^ v10;
    out32[3] = v3 ^ v11;
    out32[4] = v4 ^ v12;
    out32[5] = v5 ^ v13;
    out32[6] = v6 ^ v14;
    out32[7] = v7 ^ v15;
    out32[8] = s[0] ^ v8;
    out32[9] = s[1] ^ v9;
    out32[10] = s[2] ^ v10;
    out32[11] = s[3] ^ v11;
    out32[12] = s[4] ^ v12;
    out32[13] = s[5] ^ v13;
    out32[14] = s[6] ^ v14;
    out32[15] = s[7] ^ v15;
    swap32IfBE(buffer32);
    swap32IfBE(out32);
    this.posOut = 0;
  }
  finish() {
    if (this.finished)
      return;
    this.finished = true;
    this.buffer.fill(0, this.pos);
    let flags = this.flags | B3_Flags.ROOT;
    if (this.stack.length) {
      flags |= B3_Flags.PARENT;
      swap32IfBE(this.buffer32);
      this.compress(this.buffer32, 0, true);
      swap32IfBE(this.buffer32);
      this.chunksDone = 0;
      this.pos = this.blockLen;
    } else {
      flags |= (!this.chunkPos ? B3_Flags.CHUNK_START : 0) | B3_Flags.CHUNK_END;
    }
    this.flags = flags;
    this.b2CompressOut();
  }
  writeInto(out) {
    aexists(this, false);
    abytes(out);
    this.finish();
    const { blockLen, bufferOut } = this;
    for (let pos = 0, len = out.length; pos < len; ) {
      if (this.posOut >= blockLen)
        this.b2CompressOut();
      const take = Math.min(blockLen - this.posOut, len - pos);
      out.set(bufferOut.subarray(this.posOut, this.posOut + take), pos);
      this.posOut += take;
      pos += take;
    }
    return out;
  }
  xofInto(out) {
    if (!this.enableXOF)
      throw new Error("no XOF after digest()");
    return this.writeInto(out);
  }
  xof(bytes) {
    anumber(bytes);
    return this.xofInto(new Uint8Array(bytes));
  }
  digestInto(out) {
    aoutput(out, this);
    if (this.finished)
      throw new Error("digest() was already called");
    this.enableXOF = false;
    this.writeInto(out.length === this.outputLen ? out : out.subarray(0, this.outputLen));
    this.destroy();
  }
  digest() {
    const out = new Uint8Array(this.outputLen);
    this.digestInto(out);
    return out;
  }
};
var blake3 = /* @__PURE__ */ createHasher((opts = {}) => new _BLAKE3(opts));

// src/commitment.ts
var digest = (bytes) => blake3(bytes);
var ofSeed = (seed) => derived("privet 2026 replicated3 commitment to a seed", seed);
var ofBytes = (salt, bytes) => derived("privet 2026 replicated3 commitment to a share", salt, bytes);
function pointOf({ bundle, protect, rows, chunk, commitments }) {
  const context = "privet 2026 replicated3 point of the zero share";
  return derived(context, concat(bundle, utf8(protect), Uint8Array.of(0), u32(rows), u32(chunk), ...commitments));
}
function derived(context, ...parts) {
  const hasher = blake3.create({ context: utf8(context) });
  for (const part of parts) hasher.update(part);
  return hasher.digest();
}

// src/errors.ts
var BLAMES = ["ours", "usage", "refused", "not_found", "unreachable", "busy", "denied", "integrity"];
var PrivetError = class extends Error {
  constructor(blame, code, message) {
    super(message);
    this.blame = blame;
    this.code = code;
  }
  blame;
  code;
  name = "PrivetError";
  toString() {
    return `${this.code} ${this.message}`;
  }
};
var ours = (code, message) => new PrivetError("ours", code, message);
var usage = (code, message) => new PrivetError("usage", code, message);
var refused = (code, message) => new PrivetError("refused", code, message);
var unreachable = (code, message) => new PrivetError("unreachable", code, message);
var integrity = (code, message) => new PrivetError("integrity", code, message);
var isBlame = (text2) => typeof text2 === "string" && BLAMES.includes(text2);
var isCode = (text2) => typeof text2 === "string" && /^E[0-9]{3}$/.test(text2);

// src/functions.ts
var FUNCTIONS = {
  Relu: (x) => x < 0 ? 0 : x,
  Abs: Math.abs,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Truncate: Math.trunc,
  Sigmoid: (x) => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)),
  Tanh: Math.tanh,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
  Square: (x) => x * x,
  Softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
};
var isNorm = (norm) => norm === "Max" || norm === "L1" || norm === "L2";
function normalize(norm, row) {
  const length = norm === "Max" ? largest(row) : norm === "L1" ? sum(row, Math.abs) : Math.sqrt(sum(row, (x) => x * x));
  if (length !== 0) each(row, (x) => x / length);
}
function softmax(row) {
  const from = largest(row);
  each(row, (x) => Math.exp(x - from));
  const total = sum(row, (x) => x);
  each(row, (x) => x / total);
}
function logSoftmax(row) {
  const from = largest(row);
  const total = sum(row, (x) => Math.exp(x - from));
  each(row, (x) => x - (from + Math.log(total)));
}
function greatest(row) {
  return row.reduce((best, x, i) => x > row[best] ? i : best, 0);
}
var largest = (row) => row.reduce((most2, x) => x > most2 ? x : most2, -Infinity);
var sum = (row, of) => row.reduce((total, x) => total + of(x), 0);
function each(row, to) {
  row.forEach((x, i) => row[i] = to(x));
}

// src/port.ts
var SIZES = { FP32: 4, FP64: 8, INT64: 8, INT32: 4, BOOL: 1, BYTES: 4 };
var isFloat = (port) => port.dtype === "FP32" || port.dtype === "FP64";
function rowShape(port) {
  if (port.flat) return [];
  return port.dims?.length ? port.dims : [port.width];
}
function elementName(port, element) {
  return port.columns?.[element] ?? (port.width === 1 ? port.name : `${port.name}[${element}]`);
}
function isSoundPort(port) {
  const texts2 = port.columns ?? [];
  return typeof port.name === "string" && Object.hasOwn(SIZES, port.dtype) && Number.isSafeInteger(port.width) && port.width > 0 && Array.isArray(texts2) && texts2.every((text2) => typeof text2 === "string");
}

// src/sound.ts
var unusable = (what) => refused("E231", `This bundle cannot be used: ${what}`);
function sound(holds) {
  if (!holds) throw unusable("its parts do not fit each other.");
}
function variant(json) {
  if (typeof json === "string") return { name: json, value: void 0 };
  sound(typeof json === "object" && json !== null);
  const entries = Object.entries(json);
  sound(entries.length === 1);
  return { name: entries[0][0], value: entries[0][1] };
}
var within = (x, least, greatest2) => Number.isInteger(x) && x >= least && x <= greatest2;
function soundLabels(labels) {
  sound(Array.isArray(labels));
  const texts2 = labels.every((label2) => typeof label2 === "string");
  sound(texts2 || labels.every(Number.isInteger));
  if (!texts2 && !labels.every(Number.isSafeInteger)) {
    throw unusable("a label is a number beyond 2^53, which a page does not hold exactly. Ask through `privet gateway`.");
  }
}

// src/tensor.ts
function tensorsOf(ports, rows) {
  for (const name of Object.keys(rows)) {
    if (!ports.some((port) => port.name === name)) throw usage("E302", `The model has no input \`${name}\`.`);
  }
  const tensors = ports.map((port) => {
    if (!Object.hasOwn(rows, port.name)) throw usage("E302", `Input \`${port.name}\` is missing.`);
    return tensorOf(port, rows[port.name]);
  });
  const first = tensors[0]?.rows ?? 1;
  ports.forEach(({ name }, i) => {
    const own = tensors[i].rows;
    if (own !== first) throw usage("E101", `Input \`${name}\` has ${own} rows where the first has ${first}.`);
  });
  return tensors;
}
function tensorOf(port, given) {
  const { name, width } = port;
  const rows = given.length / width;
  if (!Number.isInteger(rows)) {
    throw usage("E101", `Input \`${name}\` has ${width} values per row; ${given.length} values came.`);
  }
  return { rows, width, data: dataOf(port, given) };
}
function dataOf(port, given) {
  const wrong2 = () => usage("E301", `Input \`${port.name}\` must be ${port.dtype}; other values came.`);
  const text2 = (value) => {
    if (typeof value !== "string") throw wrong2();
    return value;
  };
  const number = (value) => {
    if (value === null || value === void 0) return NaN;
    if (typeof value !== "number") throw wrong2();
    return value;
  };
  const whole = (value) => wholeOf(port.dtype, value) ?? fail(wrong2());
  if (port.dtype === "BYTES") return Array.from(given, text2);
  if (port.dtype === "FP32") return Float32Array.from(Array.from(given, number));
  if (port.dtype === "FP64") return Float64Array.from(Array.from(given, number));
  return BigInt64Array.from(Array.from(given, whole));
}
function fail(error) {
  throw error;
}
function wholeOf(dtype, value) {
  if (typeof value === "string" || value === null || value === void 0) return void 0;
  if (typeof value === "number" && !Number.isSafeInteger(value)) return void 0;
  const whole = BigInt(value);
  if (dtype === "BOOL") return whole === 0n || whole === 1n ? whole : void 0;
  return BigInt.asIntN(dtype === "INT32" ? 32 : 64, whole) === whole ? whole : void 0;
}
function numberAt(data, at2) {
  const value = data[at2];
  return typeof value === "string" ? NaN : Number(value);
}
function bytesOfRows(tensors) {
  const bytes = ({ data }) => Array.isArray(data) ? data.reduce((sum2, text2) => sum2 + 4 + utf8(text2).length, 0) : data.byteLength;
  return tensors.reduce((sum2, tensor) => sum2 + bytes(tensor), 0);
}
function toBytes(port, { width, data }, from, to) {
  const values = data.slice(from * width, to * width);
  if (Array.isArray(values)) {
    return joined(values.map(utf8).flatMap((text2) => [u32(text2.length), text2]));
  }
  if (port.dtype === "INT32") return new Uint8Array(Int32Array.from(values, Number).buffer);
  if (port.dtype === "BOOL") return Uint8Array.from(values, (value) => value === 0n ? 0 : 1);
  return new Uint8Array(values.buffer);
}
function fromBytes(port, rows, bytes) {
  const count = rows * port.width;
  const data = port.dtype === "BYTES" ? texts(bytes, count) : numbers(port.dtype, bytes, count);
  if (!data) {
    const came = `does not fit the ${bytes.length} bytes that came`;
    throw usage("E301", `Tensor \`${port.name}\` of ${rows} rows ${came}.`);
  }
  return { rows, width: port.width, data };
}
function numbers(dtype, bytes, count) {
  if (bytes.length !== count * SIZES[dtype]) return void 0;
  const { buffer } = bytes.slice();
  if (dtype === "FP32") return new Float32Array(buffer);
  if (dtype === "FP64") return new Float64Array(buffer);
  if (dtype === "INT64") return new BigInt64Array(buffer);
  if (dtype === "INT32") return BigInt64Array.from(Array.from(new Int32Array(buffer), BigInt));
  return BigInt64Array.from(Array.from(bytes, (byte) => byte === 0 ? 0n : 1n));
}
function texts(bytes, count) {
  const reader = new Reader(bytes);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const out = [];
  while (reader.rest.length > 0) {
    const length = reader.u32();
    const text2 = length === void 0 ? void 0 : reader.take(length);
    if (!text2 || out.length === count) return void 0;
    try {
      out.push(decoder.decode(text2));
    } catch {
      return void 0;
    }
  }
  return out.length === count ? out : void 0;
}
function outputOf(port, parts) {
  const rows = parts.reduce((sum2, part) => sum2 + part.rows, 0);
  return { datatype: port.dtype, shape: [rows, ...rowShape(port)], data: valuesOf(port, parts, rows) };
}
function valuesOf(port, parts, rows) {
  if (port.dtype === "BYTES") return parts.flatMap((part) => part.data);
  const bytes = joined(parts.map((part) => toBytes(port, part, 0, part.rows)));
  const { data } = fromBytes(port, rows, bytes);
  if (port.dtype === "INT32") return Int32Array.from(data, Number);
  return port.dtype === "BOOL" ? Uint8Array.from(data, Number) : data;
}
function wipeTensors(tensors) {
  for (const { data } of tensors) {
    if (Array.isArray(data)) data.fill("");
    else wipe(data);
  }
}

// src/head.ts
var Head = class {
  constructor(json) {
    this.json = json;
    this.inputs = json.inputs;
    json.features.forEach((feature) => this.features.push(this.feature(feature)));
    this.columns = json.columns.map((column) => variant(column));
    this.reads = this.columns.map((column) => this.column(column));
  }
  json;
  inputs;
  features = [];
  columns;
  reads;
  /** Columns of rows `from..to`. What may not be sent (a missing value, an unknown level) is NaN here. */
  fill(rows, from, to) {
    const { reads } = this;
    const out = new Float64Array((to - from) * reads.length);
    for (let row = from, at2 = 0; row < to; row++) {
      for (const read4 of reads) out[at2++] = read4(rows, row);
    }
    return out;
  }
  /** The feature that a column is made from. */
  featureOf(column) {
    return this.features[this.columns[column].value.feature];
  }
  levels(category) {
    return this.json.categories[category].levels;
  }
  feature(json) {
    const { name, value } = variant(json);
    if (name === "Raw") return this.raw(value);
    sound(name === "Normalized");
    return this.normalized(value.group, value.member);
  }
  raw({ input, element }) {
    const port = this.inputs[input];
    sound(port && within(element, 0, port.width - 1));
    const read4 = (rows, row) => numberAt(rows[input].data, row * rows[input].width + element);
    return { read: read4, name: elementName(port, element), raw: { input, element } };
  }
  normalized(group, member) {
    const { norm, members } = this.json.groups[group];
    const own = this.features[members[member]];
    sound(own && members.every((m) => m < this.features.length) && isNorm(norm));
    const reads = members.map((m) => this.features[m].read);
    const read4 = (rows, row) => {
      const values = Float64Array.from(reads, (read5) => read5(rows, row));
      normalize(norm, values);
      return values.some(Number.isNaN) ? NaN : values[member];
    };
    return { read: read4, name: `normalised ${own.name}` };
  }
  column({ name, value }) {
    const feature = this.features[value.feature];
    sound(feature);
    const { read: read4 } = feature;
    const missing = isMissing(value.missing ?? null);
    switch (name) {
      case "Value":
        return (rows, row) => unless(missing, read4(rows, row), (x) => x);
      case "Indicator":
        return (rows, row) => missing(read4(rows, row)) ? 1 : 0;
      case "Ordinal":
        return (rows, row) => unless(missing, read4(rows, row), ordinal);
      default:
        sound(name === "Level");
        return this.level(feature, value);
    }
  }
  level({ raw }, { category, level }) {
    const known = this.json.categories[category];
    sound(known && within(level, 0, known.levels.length - 1));
    soundLabels(known.levels);
    const unknown2 = known.unknown_is_zeros ? 0 : NaN;
    return (rows, row) => {
      if (!raw) return unknown2;
      const { data, width } = rows[raw.input];
      const value = data[row * width + raw.element];
      if (typeof value === "number" && !Number.isFinite(value)) return NaN;
      const found = known.levels.findIndex((level2) => isLevel(level2, value));
      return found < 0 ? unknown2 : Number(found === level);
    };
  }
};
var unless = (missing, x, then) => missing(x) ? 0 : then(x);
function isMissing(missing) {
  if (missing === null) return () => false;
  if (missing === "Nan") return Number.isNaN;
  sound(typeof missing.Value === "number");
  return (x) => x === missing.Value;
}
function isLevel(level, value) {
  if (typeof value === "bigint") return typeof level === "number" && BigInt(level) === value;
  return level === (typeof value === "number" ? Math.trunc(value) : value);
}
function ordinal(x) {
  if (Number.isNaN(x)) return NaN;
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0];
  return bits >= 2 ** 31 ? 2 ** 31 - bits : bits;
}

// src/pack.ts
var packedLength = (elements, k) => Math.ceil(elements * k / 8);
function pack(k, elements) {
  const count = elements.length / 2;
  const [low, high] = masks(k);
  const words = new Uint32Array(Math.ceil(count * k / 32) + 2);
  for (let e = 0; e < count; e++) {
    const [at2, shift] = place(e * k);
    const a = elements[2 * e] & low;
    const b = elements[2 * e + 1] & high;
    words[at2] |= a << shift;
    words[at2 + 1] |= b << shift | above(a, shift);
    words[at2 + 2] |= above(b, shift);
  }
  return new Uint8Array(words.buffer).subarray(0, packedLength(count, k));
}
function unpack(k, bytes, count) {
  const [low, high] = masks(k);
  const words = new Uint32Array(Math.ceil(bytes.length / 4) + 3);
  new Uint8Array(words.buffer).set(bytes);
  const out = new Uint32Array(2 * count);
  for (let e = 0; e < count; e++) {
    const [at2, shift] = place(e * k);
    const [a, b, c] = [words[at2], words[at2 + 1], words[at2 + 2]];
    out[2 * e] = (a >>> shift | below(b, shift)) & low;
    out[2 * e + 1] = (b >>> shift | below(c, shift)) & high;
  }
  return out;
}
var place = (bit) => [Math.floor(bit / 32), bit % 32];
var above = (word, shift) => shift === 0 ? 0 : word >>> 32 - shift;
var below = (word, shift) => shift === 0 ? 0 : word << 32 - shift;
function masks(k) {
  const mask = (bits) => bits <= 0 ? 0 : bits >= 32 ? 4294967295 : 2 ** bits - 1;
  return [mask(k), mask(k - 32)];
}

// src/he/modulus.ts
var PER_WORD = 2 ** -32;
var upper = (a, b, low) => (a * b - low) * PER_WORD + 0.5 >>> 0;
var lower = (a, b) => Math.imul(a, b) >>> 0;
var Modulus = class {
  /** For an odd `q` of 20 to 59 bits. */
  constructor(q) {
    this.q = q;
    this.bits = q.toString(2).length;
    this.low = Number(q & 0xffffffffn);
    this.high = Number(q >> 32n);
    let inverse = 1;
    for (let step = 0; step < 5; step++) inverse = Math.imul(inverse, 2 - Math.imul(this.low, inverse));
    this.negative = -inverse >>> 0;
  }
  q;
  /** Bits of an element. */
  bits;
  /** The words of the modulus. */
  low;
  high;
  /** -1/q modulo 2^32. */
  negative;
  /** What `multiply` multiplies by to give a product with `x`; not for secrets. */
  factor(x) {
    return (x << 64n) % this.q;
  }
  /**
   * `x[i] = x[i]·y[j]/2^64`, by Montgomery's reduction, word by word: multiples of q are added until the two low words are zero. Any
   * `x`, a `y` below q. What is left is below 2q, as `(x·y + 2^64·q)/2^64` is. No sum below has more than 36 bits.
   */
  multiply(x, i, y, j) {
    const { low: q0, high: q1, negative } = this;
    const a0 = x[2 * i];
    const a1 = x[2 * i + 1];
    const b0 = y[2 * j];
    const b1 = y[2 * j + 1];
    const l0 = lower(a0, b0);
    const m = lower(l0, negative);
    const l1 = lower(a1, b0);
    const l2 = lower(m, q1);
    const carry0 = (l0 | -l0) >>> 31;
    const t0 = upper(a0, b0, l0) + upper(m, q0, -l0 >>> 0) + carry0 + l1 + l2;
    const t1 = upper(a1, b0, l1) + upper(m, q1, l2) + Math.floor(t0 * PER_WORD);
    const l3 = lower(a0, b1);
    const sum2 = (t0 >>> 0) + l3;
    const s0 = sum2 >>> 0;
    const n = lower(s0, negative);
    const l4 = lower(a1, b1);
    const l5 = lower(n, q1);
    const carry1 = ((s0 | -s0) >>> 31) + Math.floor(sum2 * PER_WORD);
    const r0 = t1 + upper(a0, b1, l3) + upper(n, q0, -s0 >>> 0) + carry1 + l4 + l5;
    const r1 = upper(a1, b1, l4) + upper(n, q1, l5) + Math.floor(r0 * PER_WORD);
    this.once(x, i, r0 >>> 0, r1);
  }
  /** `x[i] += y[j]`, both below q. */
  add(x, i, y, j) {
    const low = x[2 * i] + y[2 * j];
    this.once(x, i, low >>> 0, x[2 * i + 1] + y[2 * j + 1] + Math.floor(low * PER_WORD));
  }
  /** `x[i] -= y[j]`, both below q. */
  subtract(x, i, y, j) {
    const low = x[2 * i] - y[2 * j];
    const high = x[2 * i + 1] - y[2 * j + 1] + Math.floor(low * PER_WORD);
    const mask = high >> 31;
    const sum2 = (low >>> 0) + ((this.low & mask) >>> 0);
    x[2 * i] = sum2;
    x[2 * i + 1] = high + (this.high & mask) + Math.floor(sum2 * PER_WORD);
  }
  /** `out[i]`: the number of these words, which is below 2q, modulo q. */
  once(out, i, low, high) {
    const less = low - this.low;
    const rest = high - this.high + Math.floor(less * PER_WORD);
    const mask = rest >> 31;
    out[2 * i] = low & mask | less & ~mask;
    out[2 * i + 1] = high & mask | rest & ~mask;
  }
};
function elementsOf(numbers3) {
  const out = new Uint32Array(2 * numbers3.length);
  numbers3.forEach((x, at2) => {
    out[2 * at2] = Number(x & 0xffffffffn);
    out[2 * at2 + 1] = Number(x >> 32n);
  });
  return out;
}
function power(base, exponent, q) {
  let [square, result] = [base % q, 1n];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = result * square % q;
    square = square * square % q;
  }
  return result;
}
var BASES = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n];
function isPrime(n) {
  if (n < 2n || BASES.some((p) => n % p === 0n)) return BASES.includes(n);
  let [odd, twos] = [n - 1n, 0];
  for (; odd % 2n === 0n; odd /= 2n) twos++;
  return BASES.every((base) => {
    let x = power(base, odd, n);
    if (x === 1n) return true;
    for (let i = 0; i < twos; i++, x = x * x % n) if (x === n - 1n) return true;
    return false;
  });
}

// src/he/parameters.ts
var ANSWERS_PER_KEY = 4096;
var LOW_BITS = 48;
var STANDARD = { 4096: 109, 8192: 218, 16384: 438 };
var MOST_PRIMES = 6;
function parametersOf(json, k, columns, scores) {
  const { degree, plaintext_bits: plaintextBits, answer_bits: answerBits, rows } = json;
  const standard = Object.hasOwn(STANDARD, degree) ? STANDARD[degree] : 0;
  sound(standard > 0 && within(json.moduli.length, 1, MOST_PRIMES));
  const moduli = json.moduli.map((q) => exact(q, degree));
  sound(moduli.every((q, i) => i === 0 || q < moduli[i - 1]) && moduli.every(isPrime));
  sound(moduli.reduce((product, q) => product * q, 1n) <= 2n ** BigInt(standard));
  sound(plaintextBits === k && within(answerBits, LOW_BITS + 1, LOW_BITS + 64) && answerBits > k);
  sound(within(rows, 1, ANSWERS_PER_KEY) && within(scores, 1, ANSWERS_PER_KEY) && rows * columns <= degree);
  return { degree, moduli, plaintextBits, answerBits, rows };
}
function exact(json, degree) {
  sound(within(json, 2 ** 19, 2 ** 59));
  const q = BigInt(Math.round(json / (2 * degree))) * BigInt(2 * degree) + 1n;
  sound(Number(q) === json && q < 2n ** 59n);
  return q;
}
function answerBytes({ answerBits }, count) {
  return packedLength(count, LOW_BITS) + packedLength(count, answerBits - LOW_BITS);
}

// src/fixed.ts
var ROUNDER = 6755399441055744;
var ROUNDER_HIGH = 1127743488;
var WORD = 2 ** 32;
function powerOfTwo(exponent) {
  if (exponent < -1074) return 0;
  if (exponent > 1023) return Infinity;
  const view = new DataView(new ArrayBuffer(8));
  if (exponent >= -1022) view.setUint32(0, exponent + 1023 << 20);
  else view.setBigUint64(0, 1n << BigInt(exponent + 1074));
  return view.getFloat64(0);
}
function encode(values, scales) {
  const out = new Uint32Array(2 * values.length);
  const sum2 = new Float64Array(1);
  const bits = new Uint32Array(sum2.buffer);
  for (let i = 0, j = 0; i < values.length; i++, j = j + 1 === scales.length ? 0 : j + 1) {
    sum2[0] = values[i] * scales[j] + ROUNDER;
    out[2 * i] = bits[0];
    out[2 * i + 1] = bits[1] - ROUNDER_HIGH;
  }
  sum2[0] = 0;
  return out;
}
function decode(elements, at2, k, fraction) {
  const element = BigInt(elements[2 * at2 + 1]) << 32n | BigInt(elements[2 * at2]);
  return Number(BigInt.asIntN(k, element)) * powerOfTwo(-fraction);
}
function subtractBoth(x, a, b) {
  for (let i = 0; i < x.length; i += 2) {
    const low = x[i] - a[i] - b[i];
    x[i] = low;
    x[i + 1] = x[i + 1] - a[i + 1] - b[i + 1] + Math.floor(low / WORD);
  }
}
function combine(a, b, c) {
  const out = new Uint32Array(a.length);
  for (let i = 0; i < a.length; i += 2) {
    const low = a[i] + b[i] + c[i];
    out[i] = low;
    out[i + 1] = a[i + 1] + b[i + 1] + c[i + 1] + Math.floor(low / WORD);
  }
  return out;
}

// src/numbers.ts
function numbersOf(json, columns, scores) {
  const { name, value } = variant(json);
  sound(name === "linear" || name === "program");
  sound(Number.isFinite(value.accuracy) && value.bound > 0 && value.bound <= value.accuracy);
  return name === "linear" ? ofPlan(value, columns, scores) : ofProgram(value, columns, scores);
}
function decodeScores({ outputRing, fractions }, elements) {
  return Float64Array.from(
    { length: elements.length / 2 },
    (_, at2) => decode(elements, at2, outputRing, fractions[at2 % fractions.length])
  );
}
function ofPlan(plan, columns, scores) {
  const { k, input_bits, weight_bits, range_exponents: exponents } = plan;
  sound(within(k, 1, 64) && within(input_bits, 1, 50) && within(weight_bits, 0, 900) && input_bits + 2 <= k);
  sound(exponents.length === columns && exponents.every((e) => within(e, -500, 500)));
  const high = Float64Array.from(exponents, powerOfTwo);
  const ranges = {
    scales: Float64Array.from(exponents, (e) => powerOfTwo(input_bits - e)),
    low: high.map((x) => -x),
    high
  };
  const fractions = new Array(scores).fill(input_bits + weight_bits);
  const encodedBits = input_bits + 2;
  return { bound: plan.bound, inputRing: k, outputRing: k, encodedBits, mostRows: Infinity, ranges, fractions };
}
var VALUES_PER_CHUNK = 2 ** 22;
function ofProgram(program, columns, scores) {
  checkProgram(program, columns);
  const { steps, numbers: numbers3, shown } = program;
  const rings = steps.flatMap(({ action }, at2) => variant(action).name === "Columns" ? [numbers3[at2].ring] : []);
  const outputRing = most(shown.map(({ step }) => numbers3[step].ring));
  const fraction = (step) => numbers3[step].fraction + outputRing - numbers3[step].ring;
  const fractions = shown.flatMap(({ step, indices }) => indices.map(() => fraction(step)));
  sound(fractions.length === scores);
  const high = Float64Array.from(program.columns, (c) => powerOfTwo(c.exponent));
  const ranges = {
    scales: Float64Array.from(program.columns, (c) => powerOfTwo(c.scale)),
    low: Float64Array.from(program.columns, (c, j) => lowest(c.floor ?? "opposite", high[j])),
    high
  };
  return {
    bound: program.bound,
    inputRing: most(rings),
    outputRing,
    encodedBits: most(program.columns.map((c) => c.exponent + c.scale + 2)),
    mostRows: Math.max(Math.floor(VALUES_PER_CHUNK / most(steps.map(room))), 1),
    ranges,
    fractions
  };
}
function checkProgram({ columns, steps, numbers: numbers3, shown }, expected) {
  sound(columns.length === expected && numbers3.length === steps.length && shown.length > 0);
  sound(columns.every((c) => within(c.exponent, -500, 500) && within(c.exponent + c.scale + 2, -600, 52)));
  sound(numbers3.every((n) => within(n.ring, 1, 64) && within(n.fraction, 0, 63)));
  sound(steps.every((step) => within(step.width, 1, 2 ** 26)));
  const place2 = (step) => (i) => within(i, 0, steps[step].width - 1);
  sound(shown.every((s) => within(s.step, 0, steps.length - 1) && s.indices.length > 0 && s.indices.every(place2(s.step))));
}
function lowest(floor, high) {
  if (floor === "opposite") return -high;
  if (floor === "zero") return 0;
  sound(within(floor.power, -400, 500) && powerOfTwo(floor.power) <= high);
  return powerOfTwo(floor.power);
}
function room({ action, width }) {
  const { name, value } = variant(action);
  const places = (windows) => Math.max(windows.reduce((sum2, window) => sum2 + window.length, 0), width);
  if (name === "Sum" || name === "Max") return places(value);
  if (name === "Unit") return places(value.windows);
  return name === "MatMul" ? 2 * value.stack * value.rows * value.inner * value.columns : width;
}
var most = (numbers3) => numbers3.reduce((a, b) => Math.max(a, b), 1);

// src/protect.ts
var PROTECTS = ["both", "input", "model"];
var PARTIES = 3;
var HELD = {
  both: [
    ["x0", "x1"],
    ["x1", "x2"],
    ["x2", "x0"]
  ],
  input: [["x0"], ["x1"], ["x2"]],
  model: [["whole"], ["whole"], ["whole"]]
};
var components = (protect, role) => HELD[protect][role];

// src/tail.ts
var MAX_VALUES = 2 ** 20;
var Tail = class {
  constructor(json, scores) {
    this.json = json;
    this.scores = scores;
    this.places = json.spread.map((places) => places.map((place2) => spread(place2, scores)));
    sound(scores <= this.places.reduce((sum2, places) => sum2 + places.length, 0));
    sound(json.nodes.reduce((sum2, node) => sum2 + node.width, 0) < MAX_VALUES);
    json.nodes.forEach((node, at2) => this.nodes.push(this.node(node, at2)));
    for (const [port, id] of json.outputs) {
      const node = this.nodes[id];
      sound(node?.width === port.width && node.isText === (port.dtype === "BYTES"));
    }
  }
  json;
  scores;
  places;
  nodes = [];
  /** What the model gives, in its order. */
  get outputs() {
    return this.json.outputs.map(([port]) => port);
  }
  /** The outputs for rows of scores. */
  finish(scores) {
    const rows = scores.length / this.scores;
    const inputs = this.places.map((places) => {
      const of = (row) => scores.subarray(row * this.scores, (row + 1) * this.scores);
      return Float64Array.from(
        { length: rows * places.length },
        (_, at2) => places[at2 % places.length](of(Math.floor(at2 / places.length)))
      );
    });
    const values = [];
    this.nodes.forEach((node, at2) => values.push(inputs[at2] ?? node.run(values, rows)));
    return this.json.outputs.map(([port, id]) => ({ rows, width: port.width, data: output(port, values[id]) }));
  }
  node({ op, inputs, width, origin }, at2) {
    const form = variant(op);
    if (form.name === "Input") {
      sound(form.value === at2 && inputs.length === 0 && this.places[at2]?.length === width);
      return { width, isText: false, run: () => [] };
    }
    const made = operation(form, inputs, this.nodes, origin.node);
    sound(at2 >= this.places.length && made.width === width && width > 0);
    return made;
  }
};
function spread(place2, scores) {
  const { name, value: i } = variant(place2);
  if (name === "Zero") return () => 0;
  sound(within(i, 0, scores - 1));
  if (name === "Score") return (row) => row[i];
  if (name === "Minus") return (row) => -row[i];
  sound(name === "OneMinus");
  return (row) => 1 - row[i];
}
var KNOWN = ["Concat", "Select", "Label", "ArgMax", "Softmax", "LogSoftmax", "Normalize", "Map"];
function operation({ name, value }, ids, nodes, origin) {
  if (!KNOWN.includes(name)) throw unknown(name, origin);
  const inputs = ids.map((id2) => nodes[id2]);
  sound(inputs.length > 0 && inputs.every(Boolean));
  if (name === "Concat") return concat2(ids, inputs);
  const [id, { width: n, isText }] = [ids[0], inputs[0]];
  sound(inputs.length === 1 && (!isText || name === "Select"));
  const grouped = () => {
    const { group } = value;
    sound(within(group, 1, n) && n % group === 0);
    return group;
  };
  const checked = (values) => finite(numbers2(values[id]), n, origin);
  switch (name) {
    case "Select":
      return select(id, n, isText, value);
    case "Label":
      return label(checked, n, value);
    case "ArgMax":
      return argMax(checked, n, grouped());
    case "Softmax":
      return byGroups(checked, n, grouped(), softmax);
    case "LogSoftmax":
      return byGroups(checked, n, grouped(), logSoftmax);
    case "Normalize":
      sound(isNorm(value));
      return byGroups((values) => numbers2(values[id]).slice(), n, n, (row) => normalize(value, row));
    default: {
      const f = typeof value === "string" && Object.hasOwn(FUNCTIONS, value) ? FUNCTIONS[value] : void 0;
      if (!f) throw unknown(`Map(${variant(value).name})`, origin);
      const of = value === "Sigmoid" ? checked : (values) => numbers2(values[id]);
      return { width: n, isText: false, run: (values) => of(values).map(f) };
    }
  }
}
var unknown = (op, origin) => unusable(`its last step \`${origin}\` is \`${op}\`, which this client does not compute. Ask through \`privet gateway\`.`);
function select(id, n, isText, indices) {
  sound(Array.isArray(indices) && indices.every((i) => within(i, 0, n - 1)));
  const run = (values) => {
    const of = values[id];
    return gather(of, of.length / n * indices.length, (at2) => {
      const row = Math.floor(at2 / indices.length);
      return of[row * n + indices[at2 % indices.length]];
    });
  };
  return { width: indices.length, isText, run };
}
function concat2(ids, inputs) {
  const width = inputs.reduce((sum2, node) => sum2 + node.width, 0);
  const isText = inputs.every((node) => node.isText);
  sound(isText || !inputs.some((node) => node.isText));
  const from = inputs.flatMap((node, i) => Array.from({ length: node.width }, (_, j) => [i, j]));
  const run = (values, rows) => {
    const own = ids.map((id) => values[id]);
    const whole = own.every((value) => value instanceof BigInt64Array);
    const parts = isText || whole ? own : own.map(numbers2);
    return gather(parts[0], rows * width, (at2) => {
      const [i, j] = from[at2 % width];
      return parts[i][Math.floor(at2 / width) * inputs[i].width + j];
    });
  };
  return { width, isText, run };
}
function gather(like, length, at2) {
  const source = { length };
  if (Array.isArray(like)) return Array.from(source, (_, i) => at2(i));
  if (like instanceof BigInt64Array) return BigInt64Array.from(Array.from(source, (_, i) => at2(i)));
  return Float64Array.from(source, (_, i) => at2(i));
}
function label(of, n, labels) {
  soundLabels(labels);
  sound(labels.length === n);
  const isText = labels.every((l) => typeof l === "string");
  const names = isText ? labels : BigInt64Array.from(labels.map(BigInt));
  const run = (values) => {
    const x = of(values);
    return gather(names, x.length / n, (row) => names[greatest(x.subarray(row * n, (row + 1) * n))]);
  };
  return { width: 1, isText, run };
}
function argMax(of, n, group) {
  const run = (values) => {
    const x = of(values);
    const place2 = (_, at2) => BigInt(greatest(x.subarray(at2 * group, (at2 + 1) * group)));
    return BigInt64Array.from(Array.from({ length: x.length / group }, place2));
  };
  return { width: n / group, isText: false, run };
}
function byGroups(of, n, group, change) {
  const run = (values) => {
    const x = of(values).slice();
    for (let at2 = 0; at2 < x.length; at2 += group) change(x.subarray(at2, at2 + group));
    return x;
  };
  return { width: n, isText: false, run };
}
function finite(x, n, origin) {
  const at2 = x.findIndex((value) => !Number.isFinite(value));
  if (at2 < 0) return x;
  const row = Math.floor(at2 / n) + 1;
  throw refused("E104", `Row ${row} has a missing or infinite value where \`${origin}\` needs a number. Fill it before asking.`);
}
function numbers2(value) {
  if (value instanceof Float64Array) return value;
  return Array.isArray(value) ? new Float64Array(value.length).fill(NaN) : Float64Array.from(value, Number);
}
function output(port, value) {
  if (Array.isArray(value)) return value;
  if (isFloat(port)) return port.dtype === "FP64" ? numbers2(value) : Float32Array.from(numbers2(value));
  return value instanceof BigInt64Array ? value : BigInt64Array.from(value, saturated);
}
function saturated(x) {
  if (Number.isNaN(x)) return 0n;
  const [least, most2] = [-(2n ** 63n), 2n ** 63n - 1n];
  return x >= 2 ** 63 ? most2 : x < -(2 ** 63) ? least : BigInt(Math.trunc(x));
}

// src/manifest.ts
var OLDEST = 2;
var FORMAT = 3;
function parseManifest(text2) {
  try {
    return read(JSON.parse(text2));
  } catch (error) {
    throw error instanceof PrivetError ? error : unusable("it is not a bundle's public half.");
  }
}
function read(json) {
  if (!(json.format >= OLDEST && json.format <= FORMAT)) {
    const newer = json.format > FORMAT;
    const turn = newer ? "Load a newer page." : "Make it again with the program that the owner has now.";
    throw unusable(`it has format ${json.format}, this client reads ${OLDEST} to ${FORMAT}. ${turn}`);
  }
  const { name, version = 1, kind, reveal, inputs, outputs, mpc, tee, he } = json;
  sound(Number.isSafeInteger(version) && version >= 0);
  sound(typeof name === "string" && ["score", "probability", "label"].includes(reveal));
  sound(inputs.every(isSoundPort) && outputs.every(isSoundPort));
  sound(Boolean(mpc) === (kind === "mpc") && Boolean(tee) === (kind === "tee") && Boolean(he) === (kind === "he"));
  const manifest = { name, version, kind, reveal, inputs, outputs };
  if (mpc) manifest.mpc = readMpc(mpc);
  if (he) manifest.he = readHe(he);
  const planned = manifest.mpc ?? manifest.he;
  if (planned) {
    const same2 = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const { head, tail } = planned;
    sound(json.secrets.length === (mpc ? PARTIES : 1) && same2(inputs, head.inputs) && same2(outputs, tail.outputs));
  }
  if (tee) {
    const model = fromHex(tee.model, 32);
    sound(model && Number.isSafeInteger(tee.version));
    manifest.tee = { model, version: tee.version, wantsToken: tee.tokens !== null && tee.tokens !== void 0 };
  }
  return manifest;
}
function readMpc({ protocol, protect, numbers: numbers3, head, tail, scores, parties, most_rows = null }) {
  if (protocol !== "replicated3") {
    throw unusable(`its protocol is \`${protocol}\`, which this client does not speak.`);
  }
  sound(PROTECTS.includes(protect) && parties.length === PARTIES && scores > 0 && head.columns.length > 0);
  sound(most_rows === null || Number.isSafeInteger(most_rows) && most_rows > 0);
  const all = numbersOf(numbers3, head.columns.length, scores);
  return {
    protect,
    numbers: { ...all, mostRows: Math.min(all.mostRows, most_rows ?? Infinity) },
    head: new Head(head),
    tail: new Tail(tail, scores),
    scores,
    parties
  };
}
function readHe({ plan, parameters, head, tail, scores }) {
  const columns = head.columns.length;
  sound(scores > 0 && columns > 0);
  return {
    numbers: numbersOf({ linear: plan }, columns, scores),
    parameters: parametersOf(parameters, plan.k, columns, scores),
    head: new Head(head),
    tail: new Tail(tail, scores),
    scores
  };
}

// src/parties.ts
function checkParties(lines, endpoints) {
  const keys = lines.map(parse);
  keys.forEach((key, at2) => {
    const other = keys.slice(0, at2).find((k) => equal(k.tls, key.tls) || equal(k.agreement, key.agreement));
    if (other) {
      const what = `\`${other.name}\` and \`${key.name}\` are the same machine's key. Each party must be another machine`;
      throw refused("E234", `${what}, or it would hold what only two together may.`);
    }
  });
  if (endpoints.length !== keys.length) {
    throw wrong(`${endpoints.length} endpoints are given for ${keys.length} parties`);
  }
  endpoints.forEach(({ name, key }, at2) => {
    if (key && !same(parse(key), keys[at2])) {
      throw wrong(`Endpoint \`${name}\` is not pinned to the key of \`${keys[at2].name}\``);
    }
  });
}
var same = (a, b) => a.name === b.name && equal(a.tls, b.tls) && equal(a.agreement, b.agreement);
var wrong = (what) => integrity("E502", `${what}, which the bundle names. Nothing was sent. Ask the owner for the deployment's file again.`);
function parse(line) {
  const [mark, name, letters, ...more] = String(line).trim().split(/\s+/);
  const bytes = fromBase64(letters?.replaceAll("-", "+").replaceAll("_", "/"));
  if (mark !== "privet1" || !name || bytes?.length !== 64 || more.length > 0) {
    const what = "a public key is one line of three words: `privet1 NAME LETTERS`";
    throw usage("E312", `This is not a machine's public key: ${what}. Copy the whole line as \`keygen\` printed it.`);
  }
  return { name, tls: bytes.subarray(0, 32), agreement: bytes.subarray(32) };
}

// src/deployment.ts
function openDeployment(deployment) {
  const { kind, public: text2, digest: expected, endpoints } = deployment;
  if (typeof text2 !== "string" || typeof expected !== "string") throw notOne("it has no `public` or no `digest`.");
  const got = hex(digest(utf8(text2)));
  if (got !== expected) {
    throw integrity("E501", `The deployment says its bundle is ${expected}, but it is ${got}. Ask the owner for it again.`);
  }
  const manifest = parseManifest(text2);
  if (manifest.kind !== kind || !Array.isArray(endpoints) || endpoints.length === 0) {
    throw notOne("its kind is not the bundle's, or it has no endpoints.");
  }
  endpoints.forEach(checkUrl);
  if (manifest.mpc) checkParties(manifest.mpc.parties, endpoints);
  else if (endpoints.length !== 1) throw notOne(`${endpoints.length} endpoints are given where there is one role.`);
  return manifest;
}
function checkUrl({ name, http_url: url }) {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : void 0;
  const bare = parsed && parsed.pathname === "/" && !parsed.search && !parsed.hash && !parsed.username;
  if (!bare || parsed.protocol !== "https:") {
    throw usage("E142", `Endpoint \`${name}\` has \`${url}\`; expected \`https://HOST:PORT\`.`);
  }
}
var notOne = (what) => usage("E142", `This is not a deployment: ${what}`);

// src/encode.ts
function encodeRows(head, ranges, rows, from, to) {
  const values = checkedRows(head, ranges, rows, from, to);
  const elements = encode(values, ranges.scales);
  wipe(values);
  return elements;
}
function checkedRows(head, ranges, rows, from, to) {
  const { low, high } = ranges;
  const values = head.fill(rows, from, to);
  for (let at2 = 0, j = 0; at2 < values.length; at2++, j = j + 1 === low.length ? 0 : j + 1) {
    const x = values[at2];
    if (low[j] <= x && x <= high[j]) continue;
    wipe(values);
    throw refusal(head, j, from + Math.floor(at2 / low.length), x, shownRange(low[j], high[j]));
  }
  return values;
}
function refusal(head, column, row, x, range) {
  const which = `Row ${row + 1}, feature \`${head.featureOf(column).name}\``;
  if (Number.isFinite(x)) {
    const why = "Predicting it could give a wrong answer, so nothing was sent.";
    const what2 = `${which} = ${scientific(x)} is outside the planned range ${range}. ${why}`;
    return refused("E105", `${what2} Plan again with \`--rows\` that contain such values.`);
  }
  if (head.columns[column].name === "Level") {
    return refused("E104", `${which} is a category that the model does not know. Send one of its known levels.`);
  }
  const what = `${which} is missing or not finite, and the model does not say what to put in its place.`;
  return refused("E104", `${what} Fill it before asking.`);
}
function shownRange(low, high) {
  return low + high === 0 ? `±${scientific(high)}` : `${scientific(low)} to ${scientific(high)}`;
}
var scientific = (x) => x.toExponential().replace("e+", "e");

// src/oip.ts
var bytesTensor = (name, data) => ({
  name,
  datatype: "UINT8",
  shape: [data.length],
  data
});
var MOST_BYTES = 64 * 2 ** 20;
var HEADER = "Inference-Header-Content-Length";
async function ask(transport, messages, tally) {
  const stop = new AbortController();
  const call = { stop: stop.signal, late: false, tally };
  const timer = setTimeout(() => {
    call.late = true;
    stop.abort();
  }, transport.deadlineMs);
  try {
    return await Promise.all(transport.roles.map((role, at2) => infer(transport, role, messages[at2], call)));
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
async function infer(transport, role, inputs, call) {
  const { json, body } = encodeRequest(inputs);
  if (body.length > MOST_BYTES) {
    const what = `The request has ${body.length} bytes; at most ${MOST_BYTES} can be sent at once.`;
    throw usage("E155", `${what} Send fewer rows at a time.`);
  }
  call.tally.up += body.length;
  try {
    const response = await send(transport, role, body, json, call);
    const bytes = new Uint8Array(await response.arrayBuffer());
    call.tally.down += bytes.length;
    if (!response.ok) throw said(role, response.status, bytes);
    return decodeReply(bytes, response.headers.get(HEADER));
  } catch (error) {
    throw error instanceof PrivetError ? error : lost(role, call.late, error);
  } finally {
    wipe(body);
  }
}
function send(transport, role, body, json, call) {
  const path = `/v2/models/${encodeURIComponent(transport.model)}/versions/${transport.version}/infer`;
  return transport.fetch(new URL(path, role.url).href, {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream", [HEADER]: String(json) },
    body,
    signal: call.stop,
    // A share is for one party: no server may send it on to another one.
    redirect: "error",
    credentials: "omit",
    cache: "no-store",
    referrerPolicy: "no-referrer"
  });
}
function encodeRequest(inputs) {
  const named = inputs.map(({ name, datatype, shape, data }) => {
    return { name, datatype, shape, parameters: { binary_data_size: data.length } };
  });
  const head = utf8(JSON.stringify({ inputs: named, parameters: { binary_data_output: true } }));
  return { json: head.length, body: joined([head, ...inputs.map((input) => input.data)]) };
}
function decodeReply(bytes, header) {
  const json = header === null ? bytes.length : /^[0-9]{1,9}$/.test(header) ? Number(header) : Infinity;
  if (json > bytes.length || bytes.length > MOST_BYTES) throw malformed();
  let at2 = json;
  const take = (size) => {
    if (!Number.isSafeInteger(size) || size < 0 || at2 + size > bytes.length) throw malformed();
    at2 += size;
    return bytes.subarray(at2 - size, at2);
  };
  try {
    const { parameters, outputs } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, json)));
    const read4 = outputs.map(({ name, datatype, shape, parameters: parameters2 }) => {
      return { name, datatype, shape: shape.map(Number), data: take(parameters2?.binary_data_size) };
    });
    if (at2 !== bytes.length) throw malformed();
    return { parameters: parameters ?? {}, outputs: read4 };
  } catch {
    throw malformed();
  }
}
function malformed() {
  const what = "The server's reply does not fit together (its tensors' shapes, datatypes and sizes), so it was not used.";
  const check = `Check that both sides run the same version, and that the server lets pages read \`${HEADER}\`.`;
  return integrity("E306", `${what} ${check}`);
}
function said(role, status, bytes) {
  const { error, code, blame } = errorOf(bytes);
  const known = isCode(code) ? code : "E307";
  const text2 = typeof error === "string" && error ? error : "The server gave no reason.";
  const sentence = text2.startsWith(known) ? text2.slice(known.length).trimStart() : text2;
  const message = sentence.includes(role.name) ? sentence : `\`${role.name}\` answers: ${sentence}`;
  return new PrivetError(isBlame(blame) ? blame : blameOf(status), known, message);
}
function errorOf(bytes) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}
function blameOf(status) {
  if (status === 404) return "not_found";
  if (status < 500) return "usage";
  return status === 500 ? "ours" : "unreachable";
}
function lost(role, late, error) {
  const where = `\`${role.name}\` at ${role.url}`;
  if (late) {
    const again = "The request can be sent again, with a later deadline if the network is slow.";
    return unreachable("E305", `${where} did not answer before the deadline. ${again}`);
  }
  const why = error instanceof Error ? error.message : "the call failed";
  const check = "Check that it runs, that this browser accepts its certificate, and that it lets this page ask";
  return unreachable("E304", `${where} is not answering: ${why}. ${check}; the request can be sent again.`);
}

// src/pieces.ts
var IN_FLIGHT = 4;
var CHUNK_BYTES = 2 ** 20;
function pieces(rows, size) {
  const step = Math.max(size, 1);
  const start = (_, at2) => ({ from: at2 * step, to: Math.min(rows, (at2 + 1) * step) });
  return Array.from({ length: Math.ceil(rows / step) }, start);
}
function chunksOf(rows, bytes) {
  return pieces(rows, Math.floor(CHUNK_BYTES / Math.max(Math.ceil(bytes / Math.max(rows, 1)), 1)));
}
async function inFlight(ranges, one) {
  const answers = [];
  const errors2 = [];
  let next = 0;
  const worker = async () => {
    while (next < ranges.length && errors2.length === 0) {
      const at2 = next++;
      try {
        answers[at2] = await one(ranges[at2], at2);
      } catch (error) {
        errors2.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, ranges.length) }, worker));
  if (errors2.length > 0) throw errors2[0];
  return answers;
}

// src/stream.ts
async function expand(seed, chunk, elements) {
  const key = await crypto.subtle.importKey("raw", seed, "AES-CTR", false, ["encrypt"]);
  const counter = new Uint8Array(16);
  new DataView(counter.buffer).setUint32(8, chunk);
  const zeros = new Uint8Array(8 * elements);
  return new Uint32Array(await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 64 }, key, zeros));
}

// src/he/sample.ts
var WORD2 = 2 ** 32;
var HALF = 2 ** 21 - 1;
var BLOCK = 512;
async function drawn(entropy, elements) {
  const seed = entropy(16);
  try {
    return await expand(seed, 0, elements);
  } finally {
    wipe(seed);
  }
}
function ternary(elements) {
  const third = (at2) => Math.floor((3 * elements[2 * at2 + 1] + Math.floor(3 * elements[2 * at2] / WORD2)) / WORD2) - 1;
  return Int8Array.from({ length: elements.length / 2 }, (_, at2) => third(at2));
}
function errors(elements) {
  const error = (low, high) => ones(low & HALF) - ones((low >>> 21 | high << 11) & HALF);
  return Int8Array.from({ length: elements.length / 2 }, (_, at2) => error(elements[2 * at2], elements[2 * at2 + 1]));
}
function ones(x) {
  const pairs = x - (x >>> 1 & 1431655765);
  const fours = (pairs & 858993459) + (pairs >>> 2 & 858993459);
  return Math.imul(fours + (fours >>> 4) & 252645135, 16843009) >>> 24;
}
function publicResidues(from, index, prime, q, count) {
  const hasher = blake3.create({ context: utf8("privet 2026 public polynomial of an encryption") });
  hasher.update(from.seed).update(from.bundle).update(u32(index)).update(Uint8Array.of(prime));
  const [q0, q1] = [Number(q % 2n ** 32n), Number(q >> 32n)];
  const bits = q.toString(2).length;
  const [low, high] = [bits >= 32 ? WORD2 - 1 : 2 ** bits - 1, bits > 32 ? 2 ** (bits - 32) - 1 : 0];
  const out = new Uint32Array(2 * count);
  const block = new Uint32Array(2 * BLOCK);
  for (let filled = 0; filled < count; ) {
    hasher.xofInto(new Uint8Array(block.buffer));
    for (let i = 0; i < BLOCK && filled < count; i++) {
      const a = (block[2 * i] & low) >>> 0;
      const b = block[2 * i + 1] & high;
      if (b > q1 || b === q1 && a >= q0) continue;
      out[2 * filled] = a;
      out[2 * filled + 1] = b;
      filled++;
    }
  }
  return out;
}

// src/he/key.ts
var Key = class _Key {
  constructor(ring, reversed, values, seed, encryptionOfZero) {
    this.ring = ring;
    this.reversed = reversed;
    this.values = values;
    this.seed = seed;
    this.encryptionOfZero = encryptionOfZero;
  }
  ring;
  reversed;
  values;
  seed;
  encryptionOfZero;
  /** A fresh one, for the bundle of this digest. */
  static async draw(ring, bundle, entropy) {
    const { degree } = ring.parameters;
    const seed = { seed: entropy(32), bundle };
    const elements = await drawn(entropy, 2 * degree);
    const s = ternary(elements.subarray(0, 2 * degree));
    const e = errors(elements.subarray(2 * degree));
    const values = ring.ofSmall(s);
    ring.forward(values);
    const multiplier = ring.multiplier(values);
    const b = hidden(ring, ring.ofSmall(e), seed, 0, multiplier);
    wipe(elements, e);
    return new _Key(ring, s.reverse(), multiplier, seed, b);
  }
  /** The ciphertext of a polynomial of plaintexts, under public polynomial `index`, which must never be used again. Overwrites them. */
  async encrypt(index, plaintext, entropy) {
    const { ring } = this;
    try {
      const elements = await drawn(entropy, ring.parameters.degree);
      const e = errors(elements);
      const c0 = ring.ofSmall(e);
      ring.addScaled(c0, plaintext);
      wipe(elements, e);
      return hidden(ring, c0, this.seed, index, this.values);
    } finally {
      wipe(plaintext);
    }
  }
  /**
   * The plaintexts of one ciphertext's answer: for each product, by row, then by score of the product. Whatever the bytes are, as long
   * as there are `answerBytes` of them, this gives as many numbers.
   */
  decrypt(packing, rows, answer) {
    const { parameters } = this.ring;
    const answers = rows * packing.scoresInOne;
    const [all, few] = [answerBytes(parameters, parameters.degree), answerBytes(parameters, answers)];
    return Array.from({ length: packing.products }, (_, product) => {
      const of = answer.subarray(product * (all + few), (product + 1) * (all + few));
      const c1 = this.halves(of.subarray(0, all), parameters.degree);
      const c0 = this.halves(of.subarray(all), answers);
      return Array.from({ length: answers }, (_2, i) => this.rounded(at(c0, i) + this.times(c1, packing.answer(i))));
    });
  }
  /** Bytes of the answer to one ciphertext of so many rows. */
  answerBytes({ products, scoresInOne }, rows) {
    const { parameters } = this.ring;
    return products * (answerBytes(parameters, parameters.degree) + answerBytes(parameters, rows * scoresInOne));
  }
  /** The secret is overwritten; nothing is encrypted or decrypted after that. */
  wipe() {
    wipe(this.reversed, ...this.values);
  }
  halves(bytes, count) {
    const cut = packedLength(count, LOW_BITS);
    const high = this.ring.parameters.answerBits - LOW_BITS;
    return [unpack(LOW_BITS, bytes.subarray(0, cut), count), unpack(high, bytes.subarray(cut), count)];
  }
  /** The coefficient at `place` of s times a polynomial: Σ_(i ≤ place) c_i·s_(place - i) - Σ_(i > place) c_i·s_(N + place - i). */
  times(c, place2) {
    const { reversed } = this;
    const n = reversed.length;
    const sums = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const s = i <= place2 ? reversed[n - 1 - place2 + i] : -reversed[i - place2 - 1];
      for (let word = 0; word < 4; word++) sums[word] += s * c[word >> 1][2 * i + (word & 1)];
    }
    const [a, b, d, e] = sums.map(BigInt);
    return a + (b << 32n) + (d + (e << 32n) << BigInt(LOW_BITS));
  }
  /** The nearest multiple of 2^(d-k), in units of it, modulo 2^k. */
  rounded(phase) {
    const { answerBits, plaintextBits } = this.ring.parameters;
    const below2 = BigInt(answerBits - plaintextBits);
    return BigInt.asUintN(plaintextBits, phase + (1n << below2 - 1n) >> below2);
  }
};
function at([low, high], i) {
  const word = (of) => BigInt(of[2 * i]) + (BigInt(of[2 * i + 1]) << 32n);
  return word(low) + (word(high) << BigInt(LOW_BITS));
}
function hidden(ring, from, seed, index, s) {
  ring.forward(from);
  ring.hide(from, seed, index, s);
  const bytes = ring.write(from);
  wipe(...from);
  return bytes;
}

// src/he/wire.ts
var headOf = ({ rows, first, bundle, seed, id }) => concat(utf8("PVH1"), u32(rows), u32(first), bundle, seed, id);
var keyId = (bundle, seed, key) => derived("privet 2026 digest of a public key of ciphertexts", bundle, seed, key);

// src/he/keys.ts
var Keys = class {
  constructor(ring, bundle, entropy) {
    this.ring = ring;
    this.bundle = bundle;
    this.entropy = entropy;
  }
  ring;
  bundle;
  entropy;
  current;
  /** Lends a key, with the number of the first of so many public polynomials that no other ciphertext will have. */
  async with(ciphertexts, answers, ask2) {
    const current = this.claim(answers);
    const first = current.next;
    current.next += ciphertexts;
    current.answers += answers;
    current.users++;
    try {
      return await ask2(await current.own, first);
    } finally {
      current.users--;
      this.retire(current);
    }
  }
  claim(answers) {
    if (answers > ANSWERS_PER_KEY) throw usage("E106", "Too many rows in one call.");
    const last = this.current;
    if (last && last.answers + answers <= ANSWERS_PER_KEY) return last;
    const current = { own: this.draw(), next: 1, answers: 0, users: 0 };
    current.own.catch(() => {
      if (this.current === current) this.current = void 0;
    });
    this.current = current;
    if (last) this.retire(last);
    return current;
  }
  async draw() {
    const key = await Key.draw(this.ring, this.bundle, this.entropy);
    return { key, id: keyId(this.bundle, key.seed.seed, key.encryptionOfZero), known: false };
  }
  /** Overwrites a key that nobody will ask with any more. */
  retire(current) {
    if (current === this.current || current.users > 0) return;
    current.own.then(({ key }) => key.wipe()).catch(() => void 0);
  }
};

// src/he/packing.ts
var Packing = class {
  /** All scores in one product if all rows then still fit one ciphertext; else one product a score. */
  constructor({ degree, rows: most2 }, columns, scores, rows) {
    this.columns = columns;
    this.scores = scores;
    this.rows = rows;
    const answers = rows * scores;
    const together = scores > 1 && answers * columns <= degree && answers <= most2;
    this.scoresInOne = together ? scores : 1;
    this.rowsInOne = together ? Math.max(rows, 1) : most2;
  }
  columns;
  scores;
  rows;
  /** Scores that one product answers. */
  scoresInOne;
  /** Rows in a ciphertext. */
  rowsInOne;
  /** The rows of each ciphertext. */
  get ciphertexts() {
    return pieces(this.rows, this.rowsInOne);
  }
  /** Products with each ciphertext. */
  get products() {
    return this.scores / this.scoresInOne;
  }
  /** The coefficient of a row's first value. */
  place(row) {
    return row * this.columns * this.scoresInOne;
  }
  /** The coefficient of an answer; answers of a product are numbered by row, then by score. */
  answer(at2) {
    return at2 * this.columns + this.columns - 1;
  }
};

// src/he/ntt.ts
var Ntt = class {
  /** For a prime that is 1 modulo `2·degree`; `degree` a power of two. */
  constructor(modulus, degree) {
    this.modulus = modulus;
    const { q } = modulus;
    const root = leastRoot(q, degree);
    const powers = [1n];
    while (powers.length < degree) powers.push(powers.at(-1) * root % q);
    this.roots = elementsOf(powers.map((_, i) => modulus.factor(powers[reverse(i, degree)])));
  }
  modulus;
  roots;
  /** Cooley's and Tukey's butterflies, in place. */
  forward(a) {
    const { modulus, roots } = this;
    const count = a.length / 2;
    const left = new Uint32Array(2);
    let root = 1;
    for (let half = count >> 1; half > 0; half >>= 1) {
      for (let block = 0; block < count; block += 2 * half, root++) {
        for (let x = block; x < block + half; x++) {
          const y = x + half;
          modulus.multiply(a, y, roots, root);
          left[0] = a[2 * x];
          left[1] = a[2 * x + 1];
          modulus.add(a, x, a, y);
          modulus.subtract(left, 0, a, y);
          a[2 * y] = left[0];
          a[2 * y + 1] = left[1];
        }
      }
    }
    left.fill(0);
  }
};
function reverse(i, degree) {
  let out = 0;
  for (let [bit, rest] = [1, i]; bit < degree; bit *= 2, rest >>= 1) out = 2 * out + (rest & 1);
  return out;
}
function leastRoot(q, degree) {
  const order = 2n * BigInt(degree);
  let root = 0n;
  for (let x = 2n; power(root, BigInt(degree), q) !== q - 1n; x++) root = power(x, (q - 1n) / order, q);
  const square = root * root % q;
  let least = root;
  for (let i = 1; i < degree; i++) {
    root = root * square % q;
    if (root < least) least = root;
  }
  return least;
}

// src/he/ring.ts
var Ring = class {
  constructor(parameters) {
    this.parameters = parameters;
    const { moduli, degree, plaintextBits } = parameters;
    this.ntts = moduli.map((q) => new Ntt(new Modulus(q), degree));
    const words = elementsOf([BigInt.asUintN(64, moduli.reduce((product, q) => product * q, 1n))]);
    this.modulus = [words[0], words[1]];
    this.minusPerT = this.ntts.map(({ modulus }) => {
      const { q } = modulus;
      const perT = power(power(2n, BigInt(plaintextBits), q), q - 2n, q);
      return elementsOf([modulus.factor(q - perT)]);
    });
  }
  parameters;
  ntts;
  /** Q modulo 2^64, as words. */
  modulus;
  /** By prime, -1/2^k, to multiply with. */
  minusPerT;
  /** The polynomial with these coefficients, which are smaller than any prime. */
  ofSmall(coefficients) {
    return this.ntts.map(({ modulus }) => {
      const out = new Uint32Array(2 * coefficients.length);
      for (let i = 0; i < coefficients.length; i++) {
        const x = coefficients[i];
        const low = (x >>> 31) * modulus.low + x;
        out[2 * i] = low;
        out[2 * i + 1] = (x >>> 31) * modulus.high + Math.floor(low / 2 ** 32);
      }
      return out;
    });
  }
  /**
   * Adds the integer nearest to Q·m/2^k to each coefficient: m is the low k bits of a plaintext. Of each product Q·m only the part modulo
   * 2^k matters (Bootland, Kim, Polyakov and others, eprint 2021/204, remark 3.1): what is subtracted to make it a multiple of 2^k is
   * divided by 2^k modulo each prime.
   */
  addScaled(to, plaintext) {
    const rests = this.rests(plaintext);
    const product = new Uint32Array(2);
    const tooMuch = new Uint32Array(2);
    this.ntts.forEach(({ modulus }, prime) => {
      const limb = to[prime];
      const factor = this.minusPerT[prime];
      for (let i = 0; i < rests.length / 2; i++) {
        product[0] = rests[2 * i];
        product[1] = rests[2 * i + 1];
        modulus.multiply(product, 0, factor, 0);
        const mask = rests[2 * i + 1] >> 31;
        tooMuch[0] = factor[0] & mask;
        tooMuch[1] = factor[1] & mask;
        modulus.add(limb, i, product, 0);
        modulus.subtract(limb, i, tooMuch, 0);
      }
    });
    wipe(rests, product, tooMuch);
  }
  /** Q times a plaintext modulo 2^k, between -2^(k-1) and 2^(k-1), as 64 bits. */
  rests(plaintext) {
    const [q0, q1] = this.modulus;
    const k = this.parameters.plaintextBits;
    const first = Math.max(32 - k, 0);
    const second = Math.min(64 - k, 31);
    const out = new Uint32Array(plaintext.length);
    for (let i = 0; i < plaintext.length; i += 2) {
      const m0 = plaintext[i];
      const m1 = plaintext[i + 1];
      const low = lower(q0, m0);
      const high = upper(q0, m0, low) + Math.imul(q0, m1) + Math.imul(q1, m0) | 0;
      out[i] = low << first >> first;
      out[i + 1] = k <= 32 ? out[i] >> 31 : high << second >> second;
    }
    return out;
  }
  /** From coefficients to values. */
  forward(a) {
    this.ntts.forEach((ntt, prime) => ntt.forward(a[prime]));
  }
  /** What `hide` multiplies by: a polynomial in values, which is overwritten. */
  multiplier(values) {
    this.ntts.forEach(({ modulus }, prime) => {
      const square = elementsOf([modulus.factor(modulus.factor(1n))]);
      for (let i = 0; i < values[prime].length / 2; i++) modulus.multiply(values[prime], i, square, 0);
    });
    return values;
  }
  /** Takes a·s from what is in values, where a is public polynomial `index`. */
  hide(from, seed, index, s) {
    const { degree, moduli } = this.parameters;
    this.ntts.forEach(({ modulus }, prime) => {
      const product = publicResidues(seed, index, prime, moduli[prime], degree);
      for (let i = 0; i < degree; i++) {
        modulus.multiply(product, i, s[prime], i);
        modulus.subtract(from[prime], i, product, i);
      }
      wipe(product);
    });
  }
  /** The residues, each in as many bits as its prime has. */
  write(a) {
    return joined(this.ntts.map(({ modulus }, prime) => pack(modulus.bits, a[prime])));
  }
};

// src/he/caller.ts
var CIPHERTEXTS_PER_CALL = 3;
var UNKNOWN_KEY = "E361";
var HeCaller = class {
  constructor(part, bundle, transport, entropy) {
    this.part = part;
    this.bundle = bundle;
    this.transport = transport;
    this.entropy = entropy;
    this.bound = part.numbers.bound;
    this.keys = new Keys(new Ring(part.parameters), bundle, entropy);
  }
  part;
  bundle;
  transport;
  entropy;
  bound;
  assurance = "ciphertexts only";
  keys;
  async answer(tensors, rows, tally) {
    const { head, numbers: numbers3, scores, parameters } = this.part;
    const most2 = Math.min(CIPHERTEXTS_PER_CALL * parameters.rows, Math.floor(ANSWERS_PER_KEY / scores));
    const ranges = pieces(rows, most2);
    for (const { from, to } of ranges) wipe(checkedRows(head, numbers3.ranges, tensors, from, to));
    return { parts: await inFlight(ranges, (range) => this.piece(tensors, range, tally)), rounds: 0 };
  }
  async piece(tensors, range, tally) {
    const { scores, parameters, head } = this.part;
    const rows = range.to - range.from;
    const packing = new Packing(parameters, head.columns.length, scores, rows);
    let refusing;
    const once = (own, first) => {
      refusing = own;
      return this.over(own, first, packing, tensors, range, tally);
    };
    const ask2 = () => this.keys.with(packing.ciphertexts.length, rows * scores, once);
    try {
      return await ask2();
    } catch (error) {
      if (!(error instanceof PrivetError && error.code === UNKNOWN_KEY && refusing)) throw error;
      refusing.known = false;
      return ask2();
    }
  }
  async over(own, first, packing, tensors, range, tally) {
    const { key, id, known } = own;
    const sent = [];
    for (const [at2, of] of packing.ciphertexts.entries()) {
      const plaintext = this.plaintext(packing, tensors, range.from + of.from, range.from + of.to);
      sent.push(await key.encrypt(first + at2, plaintext, this.entropy));
    }
    const head = headOf({ rows: range.to - range.from, first, bundle: this.bundle, seed: key.seed.seed, id });
    const message = [
      bytesTensor("request", head),
      ...known ? [] : [bytesTensor("key", key.encryptionOfZero)],
      bytesTensor("ciphertexts", joined(sent))
    ];
    const [reply] = await ask(this.transport, [message], tally);
    const scores = this.scores(own, packing, reply, digest(head));
    own.known = true;
    const outputs = this.part.tail.finish(decodeScores(this.part.numbers, scores));
    wipe(scores);
    return outputs;
  }
  /** The plaintexts of some consecutive rows, each at its place. */
  plaintext(packing, tensors, from, to) {
    const { head, numbers: numbers3, parameters } = this.part;
    const encoded = encodeRows(head, numbers3.ranges, tensors, from, to);
    const words = 2 * head.columns.length;
    const plaintext = new Uint32Array(2 * parameters.degree);
    for (let row = 0; row < to - from; row++) {
      plaintext.set(encoded.subarray(row * words, (row + 1) * words), 2 * packing.place(row));
    }
    wipe(encoded);
    return plaintext;
  }
  /** The scores of all rows, if they answer this very question. */
  scores({ key }, packing, reply, expected) {
    const wrong2 = (what) => integrity("E512", `The server ${what}. No answer was released.`);
    const data = reply.outputs.find((output2) => output2.name === "answer")?.data;
    if (!data) throw wrong2("sent no answer");
    if (data.length < expected.length) throw wrong2("sent too little");
    if (!equal(data.subarray(0, expected.length), expected)) {
      throw wrong2("answered another question than the one that was asked");
    }
    const lengths = packing.ciphertexts.map(({ from, to }) => key.answerBytes(packing, to - from));
    const all = lengths.reduce((sum2, length) => sum2 + length, expected.length);
    if (data.length !== all) throw wrong2("sent an answer of another length");
    let at2 = expected.length;
    const rows = packing.ciphertexts.flatMap(({ from, to }, i) => {
      const products = key.decrypt(packing, to - from, data.subarray(at2, at2 += lengths[i]));
      return byRow(packing, to - from, products);
    });
    return elementsOf(rows);
  }
};
function byRow({ scoresInOne: n }, rows, products) {
  const row = (_, at2) => products.flatMap((product) => product.slice(at2 * n, (at2 + 1) * n));
  return Array.from({ length: rows }, row).flat();
}

// src/ranges.ts
function rangesOf({ inputs, mpc, he }) {
  const part = mpc ?? he;
  const all = inputs.map((port) => Array.from({ length: port.width }, (_, element) => unplanned(port, element, !part)));
  part?.head.columns.forEach((column, j) => narrow(all, part, column, j));
  return all.flat();
}
function unplanned(port, element, mayMiss) {
  return {
    name: elementName(port, element),
    input: port.name,
    element,
    low: null,
    high: null,
    whole: port.dtype !== "BYTES" && !isFloat(port),
    missing: mayMiss && isFloat(port)
  };
}
function narrow(all, { head, numbers: numbers3 }, column, j) {
  const { raw } = head.featureOf(j);
  const range = raw && all[raw.input][raw.element];
  if (!range) return;
  range.missing ||= column.value.missing === "Nan";
  if (column.name === "Level") range.levels = head.levels(column.value.category).map(String);
  if (column.name !== "Value") return;
  range.low = Math.max(range.low ?? -Infinity, numbers3.ranges.low[j]);
  range.high = Math.min(range.high ?? Infinity, numbers3.ranges.high[j]);
}

// src/trust.ts
function trustCard(kind, protect) {
  const lines = kind === "mpc" ? MPC[protect ?? "both"] : kind === "tee" ? TEE : kind === "he" ? HE : PLAIN;
  return [...lines, ["repeated questions", REPEATED_QUERIES]];
}
var REPEATED_QUERIES = "in any kind: a linear model of n weights follows from n + 1 rows and their scores (or probabilities)";
var CLIENT = ["the client", "sees its input and the answer; it does not see the model"];
var CHEATING = ["a cheating party", "can change the answer unnoticed"];
var HABITS = ["not protected", "how often you ask, how large a batch is, names and ranges of features"];
var PLAIN = [
  ["the client", "sees its input and the answer"],
  ["the server", "sees the input, the model and the answer"]
];
var TEE = [
  CLIENT,
  ["the measured program", "sees everything; it is what the policy names, and shows nothing to its host"],
  ["the host", "sees sealed messages: how many, when, and their padded sizes"],
  ["the chip's maker", "is trusted: its keys, its patches, and that nobody extracted a key"],
  ["who can touch the machine", "is trusted: interposers on the memory bus have extracted such keys"],
  [
    "a simulated enclave",
    "is an ordinary process: its owner can read everything, and every reply says `simulated`"
  ],
  ["not protected", "against side channels that vendors have not patched; the host can refuse to serve"]
];
var HE = [
  [
    "the client",
    "sees its input and the answer; it does not see the model, even if it sends what is no honest ciphertext"
  ],
  [
    "the server",
    "has the model; it sees neither the input nor the answer, by the hardness of ring learning with errors"
  ],
  ["a cheating server", "can answer something else than the model's score, unnoticed"],
  [
    "whoever hands an answer back to the server",
    "may hand it any one number that it chose of this input: give scores only to whom you trust with that"
  ],
  HABITS
];
var MPC = {
  both: [
    CLIENT,
    ["each party", "sees the model's shape, sizes and times; not the input, the weights or the answer"],
    ["two parties together", "see everything"],
    CHEATING,
    HABITS
  ],
  input: [
    CLIENT,
    ["each party", "knows the model's weights; it does not see the input or the answer"],
    ["two parties together", "see no more than one; all three together see everything"],
    CHEATING,
    HABITS
  ],
  model: [
    CLIENT,
    ["each party", "sees the input; it does not see the weights or the answer"],
    ["two parties together", "see the input; all three together see everything"],
    CHEATING,
    ["not protected", "the input, how often you ask, names and ranges of features"]
  ]
};

// src/model.ts
var Model = class {
  constructor(manifest, caller) {
    this.manifest = manifest;
    this.caller = caller;
    this.name = manifest.name;
    this.kind = manifest.kind;
    this.reveal = manifest.reveal;
    this.bound = caller.bound;
    this.trust = trustCard(manifest.kind, manifest.mpc?.protect);
    this.inputs = manifest.inputs.map(factsOf);
    this.outputPorts = manifest.outputs.map(factsOf);
  }
  manifest;
  caller;
  name;
  kind;
  reveal;
  /** The proven largest error of what is revealed; `null` where the kind computes as the model is defined. */
  bound;
  /** Who could see what. */
  trust;
  inputs;
  outputPorts;
  /** What answers may be believed to have run under; an enclave's is known once one was asked. */
  get assurance() {
    return this.caller.assurance;
  }
  /** For each value of a row, what it may be. */
  ranges() {
    return rangesOf(this.manifest);
  }
  /** The answer for these rows, row-major by input. Rows that the plan does not cover are refused before anything is sent. */
  async outputs(rows) {
    const { inputs, outputs: ports } = this.manifest;
    const tensors = tensorsOf(inputs, rows);
    const tally = { up: 0, down: 0 };
    try {
      const { parts, rounds } = await this.caller.answer(tensors, tensors[0]?.rows ?? 1, tally);
      const outputs = ports.map((port, at2) => [port.name, outputOf(port, parts.map((part) => part[at2]))]);
      return { outputs: Object.fromEntries(outputs), bytesUp: tally.up, bytesDown: tally.down, rounds };
    } finally {
      wipeTensors(tensors);
    }
  }
};
function factsOf(port) {
  const { name, dtype: datatype, columns } = port;
  return { name, datatype, shape: [-1, ...rowShape(port)], columns: columns ?? [] };
}

// src/request.ts
var CHUNK_BYTES2 = 2 ** 20;
var MAX_CHUNK_ROWS = 2 ** 16;
var explicitBits = (layout) => layout.protect === "model" ? layout.encodedBits : layout.k;
function chunkRows(layout) {
  const up = packedLength(layout.columns, explicitBits(layout));
  const fits = Math.floor(CHUNK_BYTES2 / Math.max(up, 8 * layout.scores, 1));
  return Math.min(Math.max(Math.min(fits, layout.mostRows), 1), MAX_CHUNK_ROWS);
}
var Request = class _Request {
  constructor(s0, s1, salt) {
    this.s0 = s0;
    this.s1 = s1;
    this.salt = salt;
  }
  s0;
  s1;
  salt;
  chunks = /* @__PURE__ */ new Set();
  wiped = false;
  static draw(entropy) {
    const s0 = entropy(16);
    const s1 = entropy(16);
    return new _Request(s0, s1, entropy(16));
  }
  /** Splits the encoded rows of one chunk, which are overwritten. */
  async split(layout, chunk, rows, encoded) {
    this.spend(chunk);
    const explicit = await this.explicit(layout, chunk, encoded);
    const whole = ofBytes(this.salt, explicit);
    const { bundle, protect } = layout;
    const commitments = protect === "model" ? [whole, whole, whole] : [ofSeed(this.s0), ofSeed(this.s1), whole];
    const statement = { bundle, protect, rows, chunk, commitments };
    const messages = Array.from({ length: PARTIES }, (_, role) => this.message(role, statement, explicit));
    return { messages, point: pointOf(statement) };
  }
  wipe() {
    this.wiped = true;
    wipe(this.s0, this.s1, this.salt);
  }
  /** No part of a seed's stream masks two things, and none masks with a seed that is gone. */
  spend(chunk) {
    if (this.wiped || this.chunks.has(chunk) || chunk >= 2 ** 32) {
      throw ours("E900", "Rows were to be split twice with the same secrets. Nothing was sent.");
    }
    this.chunks.add(chunk);
  }
  /** x2 = x - x0 - x1, or x itself; packed. */
  async explicit(layout, chunk, x) {
    if (layout.protect !== "model") {
      const [a, b] = await Promise.all([this.s0, this.s1].map((seed) => expand(seed, chunk, x.length / 2)));
      subtractBoth(x, a, b);
      wipe(a, b);
    }
    const packed = pack(explicitBits(layout), x);
    wipe(x);
    return packed;
  }
  message(role, statement, explicit) {
    const { bundle, protect, rows, chunk, commitments } = statement;
    const held = components(protect, role);
    const marks = Uint8Array.of(role, PROTECTS.indexOf(protect), 0, 0);
    const secrets = held.map((component) => this.secret(component));
    const head = concat(utf8("PVT1"), marks, u32(rows), u32(chunk), bundle, ...commitments, ...secrets);
    return { head, body: held.some((c) => c === "x2" || c === "whole") ? explicit : null };
  }
  /** A seed, or the salt of the explicit share. */
  secret(component) {
    return component === "x0" ? this.s0 : component === "x1" ? this.s1 : this.salt;
  }
};

// src/mpc.ts
var MpcCaller = class {
  constructor(part, bundle, transport, entropy) {
    this.part = part;
    this.transport = transport;
    this.entropy = entropy;
    const { protect, numbers: numbers3, head, scores } = part;
    this.bound = numbers3.bound;
    this.layout = {
      bundle,
      protect,
      k: numbers3.inputRing,
      encodedBits: numbers3.encodedBits,
      columns: head.columns.length,
      scores,
      answerBits: numbers3.outputRing,
      mostRows: numbers3.mostRows
    };
  }
  part;
  transport;
  entropy;
  bound;
  assurance = "no two parties collude";
  layout;
  async answer(tensors, rows, tally) {
    const ranges = pieces(rows, chunkRows(this.layout));
    const { head, numbers: numbers3 } = this.part;
    for (const { from, to } of ranges) wipe(checkedRows(head, numbers3.ranges, tensors, from, to));
    const request = Request.draw(this.entropy);
    try {
      const one = (range, chunk) => this.chunk(request, tensors, range, chunk, tally);
      const answers = await inFlight(ranges, one);
      const rounds = answers.reduce((most2, answer) => Math.max(most2, answer.rounds), 0);
      return { parts: answers.map((answer) => answer.outputs), rounds };
    } finally {
      request.wipe();
    }
  }
  async chunk(request, tensors, { from, to }, chunk, tally) {
    const { head, numbers: numbers3, tail } = this.part;
    const encoded = encodeRows(head, numbers3.ranges, tensors, from, to);
    const { messages, point } = await request.split(this.layout, chunk, to - from, encoded);
    try {
      const replies = await ask(this.transport, messages.map(tensorsOf2), tally);
      const shares = replies.map((reply, role) => this.share(reply, role, to - from, point));
      const scores = decodeScores(numbers3, combine(shares[0], shares[1], shares[2]));
      const rounds = replies.reduce((most2, reply) => Math.max(most2, counted(reply, "rounds_between")), 0);
      return { outputs: tail.finish(scores), rounds };
    } finally {
      for (const { head: head2, body } of messages) wipe(head2, body);
    }
  }
  /** One party's answer share, if it belongs to this very request. */
  share(reply, role, rows, point) {
    const wrong2 = (what) => integrity("E511", `Party ${role} ${what}. No answer was released.`);
    const { scores, answerBits } = this.layout;
    const data = reply.outputs.find((output2) => output2.name === "answer")?.data;
    if (!data) throw wrong2("sent no answer");
    if (data.length < point.length) throw wrong2("sent too little");
    if (!equal(data.subarray(0, point.length), point)) {
      throw wrong2("answered another request than the one that was sent");
    }
    const packed = data.subarray(point.length);
    if (packed.length !== packedLength(rows * scores, answerBits)) throw wrong2("sent an answer of another length");
    return unpack(answerBits, packed, rows * scores);
  }
};
function tensorsOf2({ head, body }) {
  const request = bytesTensor("request", head);
  return body ? [request, bytesTensor("share", body)] : [request];
}
function counted(reply, what) {
  const value = reply.parameters[what];
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}

// src/plain.ts
var PlainCaller = class {
  constructor(inputs, outputs, transport) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.transport = transport;
  }
  inputs;
  outputs;
  transport;
  bound = null;
  assurance = "none";
  async answer(tensors, rows, tally) {
    const one = async ({ from, to }) => {
      const message = this.inputs.map((port, at2) => rawOf(port, tensors[at2], from, to));
      const [reply] = await ask(this.transport, [message], tally);
      return this.outputs.map((port) => outputOf2(port, reply, to - from));
    };
    return { parts: await inFlight(chunksOf(rows, bytesOfRows(tensors)), one), rounds: 0 };
  }
};
function rawOf(port, tensor, from, to) {
  const { name, dtype: datatype } = port;
  return { name, datatype, shape: [to - from, ...rowShape(port)], data: toBytes(port, tensor, from, to) };
}
function outputOf2(port, reply, rows) {
  const { name, dtype } = port;
  const raw = reply.outputs.find((output2) => output2.name === name);
  if (!raw) throw integrity("E510", `The server left out output \`${name}\`.`);
  if (raw.datatype !== dtype) {
    throw usage("E301", `Tensor \`${name}\` must be ${dtype}; it came as ${raw.datatype}.`);
  }
  const came = rowsOf(port, raw.shape);
  if (came === rows) return fromBytes(port, rows, raw.data);
  const what = `Output \`${name}\` came for ${came} rows where ${rows} were asked about.`;
  throw integrity("E510", what);
}
function rowsOf(port, [rows, ...dims]) {
  const own = rowShape(port);
  const is = (shape) => shape.length === dims.length && shape.every((size, i) => size === dims[i]);
  if (rows !== void 0 && (is([port.width]) || is(own) || port.width === 1 && is([]))) return rows;
  const expected = ["rows", ...own].join(", ");
  const got = [rows ?? "", ...dims].join(", ");
  throw usage("E301", `Tensor \`${port.name}\` must have shape [${expected}]; it came as [${got}].`);
}

// src/tee/hash.ts
async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}
async function sha512(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-512", concat(...parts)));
}
async function verifies(key, message, signature) {
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]).catch(unsupported);
  return imported !== null && await crypto.subtle.verify("Ed25519", imported, signature, message);
}
function unsupported(error) {
  if (error instanceof DOMException && error.name === "NotSupportedError") {
    throw ours("E903", "This browser lacks X25519 or Ed25519, so that no enclave can be asked. Nothing was sent.");
  }
  return null;
}

// src/tee/json.ts
var Malformed = class extends Error {
};
function fields(value, required, optional = []) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Malformed("an object is missing");
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing) throw new Malformed(`missing field \`${missing}\``);
  const unknown2 = Object.keys(value).find((name) => !required.includes(name) && !optional.includes(name));
  if (unknown2) throw new Malformed(`unknown field \`${unknown2}\``);
  return value;
}
function parseFields(bytes, required, optional = []) {
  const text2 = typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
  let value;
  try {
    value = JSON.parse(text2);
  } catch {
    throw new Malformed("it is not JSON");
  }
  return fields(value, required, optional);
}
function bytesOf(value, length) {
  const bytes = fromHex(value, length);
  if (!bytes) throw new Malformed(`expected ${2 * length} hexadecimal digits`);
  return bytes;
}
function blob(value) {
  const bytes = fromBase64(value);
  if (!bytes) throw new Malformed("expected base64");
  return bytes;
}
function wholeNumber(value) {
  if (!Number.isSafeInteger(value) || value < 0) throw new Malformed("expected a whole number");
  return value;
}
function text(value) {
  if (typeof value !== "string") throw new Malformed("expected text");
  return value;
}
function list(value) {
  if (!Array.isArray(value)) throw new Malformed("expected a list");
  return value;
}

// src/tee/policy.ts
var HARDWARE = ["sgx-dcap", "tdx-dcap", "sev-snp", "snp", "nitro", "tpm2"];
var needsGateway = (kind) => refused(
  "E362",
  `A page cannot verify hardware evidence of kind \`${kind}\`, and nothing was sent. Run \`privet gateway\` on your own machine: it verifies it, and answers any client of that machine.`
);
var acceptsEpochs = (policy) => policy.maxEvidenceAge > 0 && policy.stampKeys.length > 0;
function parsePolicy(json) {
  try {
    return read2(json);
  } catch (error) {
    if (error instanceof Malformed) throw usage("E365", `This is not a policy: ${error.message}.`);
    throw error;
  }
}
function read2(json) {
  const sections = ["channel", "collateral", "accept", "model", "transparency", "simulator"];
  const policy = fields(json, ["version"], sections);
  if (policy.version !== 1) throw new Malformed(`it has version ${policy.version}, this client reads 1`);
  const names = ["binding", "max_evidence_age", "max_clock_skew", "stamp_keys", "max_requests"];
  const channel = fields(policy.channel ?? {}, [], names);
  if (![void 0, null, "handshake"].includes(channel.binding)) {
    throw new Malformed("`[channel] binding` has one value, `handshake`");
  }
  const transparency = fields(policy.transparency ?? {}, [], ["log_key", "required"]);
  if (transparency.required) {
    throw new Malformed("`[transparency] required = true` asks for a proof that this version cannot check");
  }
  const simulator = fields(policy.simulator ?? {}, [], ["accept"]);
  return {
    maxEvidenceAge: seconds(channel.max_evidence_age ?? 0),
    maxClockSkew: seconds(channel.max_clock_skew ?? 0),
    stampKeys: list(channel.stamp_keys ?? []).map((key) => bytesOf(key, 32)),
    maxRequests: whenGiven(channel.max_requests, wholeNumber),
    programs: programs(list(policy.accept ?? []), simulator.accept === true),
    model: modelRule(policy.model ?? {})
  };
}
function programs(entries, accepted) {
  if (entries.length === 0) throw new Malformed("it has no `[[accept]]` entry, so nothing could ever be believed");
  const kinds = entries.map((entry) => text(entry?.kind).replace(/\/1$/, ""));
  const simulated = entries.filter((_, at2) => kinds[at2] === "sim-process");
  const other = kinds.find((kind) => kind !== "sim-process");
  const named = other?.split("/")[0];
  if (named !== void 0 && !HARDWARE.includes(named)) throw new Malformed(`there is no evidence of kind \`${other}\``);
  if (named !== void 0 && simulated.length === 0) throw needsGateway(named);
  if (!accepted) {
    const both = "a simulator proves nothing, so both are needed";
    throw new Malformed(`an entry accepts \`sim-process\`, and \`[simulator] accept\` is not true; ${both}`);
  }
  return simulated.flatMap((entry) => measurements(fields(entry, ["kind"], ["measurement"]).measurement ?? []));
}
function measurements(value) {
  const all = list(value).map(measurement);
  if (all.length === 0) throw new Malformed('it names no measurement; there is no "any"');
  if (all.some((bytes) => bytes.every((byte) => byte === 0))) {
    throw new Malformed("a measurement is all zeros, which is what debug modes show; it is never believed");
  }
  return all;
}
function measurement(value) {
  const bytes = fromHex(text(value).replace(/^sha256:/, ""), 32);
  if (!bytes) throw new Malformed(`\`${value}\` is no SHA-256 in hexadecimal; there are no wildcards`);
  return bytes;
}
function modelRule(value) {
  const { id, min_version: minVersion, digest: digest2 } = fields(value, [], ["id", "min_version", "digest"]);
  return {
    ...whenGiven(id, (id2) => ({ id: text(id2) })),
    ...whenGiven(minVersion, (least) => ({ minVersion: wholeNumber(least) })),
    digests: list(digest2 ?? []).map(measurement)
  };
}
var whenGiven = (value, read4) => value === void 0 || value === null ? void 0 : read4(value);
var UNITS = { "": 1, s: 1, m: 60, h: 3600, d: 24 * 3600 };
function seconds(value) {
  if (typeof value === "number") return wholeNumber(value);
  const [, number, unit] = /^([0-9]+)([smhd]?)$/.exec(text(value)) ?? [];
  if (number === void 0) {
    throw new Malformed(`\`${value}\` is no time span; expected one like \`60s\`, \`5m\`, \`12h\` or \`30d\``);
  }
  return wholeNumber(Number(number) * UNITS[unit]);
}

// src/tee/appraise.ts
var SIMULATOR_KEY = "7ac0cf649635e5f6fa4f217ffdd236508c20191a56fecb0ae7ef6db6cc13c900";
var DIRECTION = "enclave-to-client";
var ASSURANCE = "SIMULATED: proves nothing";
var SKEW = 60;
async function appraise(presented, policy, question, now2) {
  try {
    return await read3(presented, policy, question, now2);
  } catch (error) {
    if (error instanceof Malformed) return { claims: void 0, reasons: [`${error.message} (format-invalid)`] };
    throw error;
  }
}
async function read3(presented, policy, question, now2) {
  const { evidence: envelope, session } = parseFields(presented, ["evidence"], ["session"]);
  const evidence = blob(envelope);
  const { format, kind, body, statement } = parseFields(evidence, ["format", "kind", "body"], ["auxiliary", "statement"]);
  if (HARDWARE.includes(text(kind))) throw needsGateway(text(kind));
  if (format !== 1 || kind !== "sim-process") throw new Malformed("the envelope's format or kind is unknown");
  const digest2 = await sha256(evidence);
  const document = await readDocument(blob(body));
  const said2 = blob(statement ?? "");
  const stated = readStatement(said2);
  const [bound, freshness] = [await reportData(said2), { question, policy, now: now2, digest: digest2 }];
  const signature = session === null || session === void 0 ? void 0 : bytesOf(session, 64);
  const reasons = [
    failed(document.verifies, "not signed with the simulator's own, public key (signature-invalid)"),
    failed(
      policy.programs.some((program) => equal(program, document.measurement)),
      `program ${hex(document.measurement)} is none that the policy names (measurement-unknown)`
    ),
    failed(
      equal(document.reportData, bound),
      "the platform signed something else than this statement (report-data-mismatch)"
    ),
    failed(stated.direction === DIRECTION, `stated from ${stated.direction}, where ${DIRECTION} was asked for (direction-mismatch)`),
    failed(equal(stated.bundle, question.bundle), "it serves another bundle than the one that is meant (bundle-mismatch)"),
    failed(
      stated.model !== void 0 && equal(stated.model, question.model),
      "it has not opened the model that is meant (model-mismatch)"
    ),
    failed(
      policy.model.digests.length === 0 || policy.model.digests.some((d) => equal(d, question.model)),
      "it has opened a model which the policy does not name (model-unknown)"
    ),
    failed(
      policy.maxRequests === void 0 || stated.requests <= policy.maxRequests,
      `the epoch answers ${stated.requests} requests, the policy takes ${policy.maxRequests} (epoch-too-long)`
    ),
    ...await fresh(stated, signature, freshness)
  ].filter((reason) => reason !== void 0);
  const stamp = stated.stamp && stated.stamp.time + policy.maxEvidenceAge;
  const claims = { encryptionKey: stated.encryptionKey, bundle: stated.bundle, evidence: digest2, until: stamp };
  return { claims: reasons.length === 0 ? claims : void 0, reasons };
}
var failed = (holds, reason) => holds ? void 0 : reason;
async function readDocument(body) {
  const signed = parseFields(body, ["document", "signature"]);
  const own = text(signed.document);
  const names = ["assurance", "version", "measurement", "isolation", "report_data"];
  const { assurance, version, measurement: measurement2, report_data } = parseFields(own, names);
  if (version !== 1 || assurance !== ASSURANCE) {
    throw new Malformed("this is no simulator's evidence: its version is unknown, or it does not say what it is");
  }
  const message = utf8(`privet simulated evidence v1${own}`);
  return {
    measurement: bytesOf(measurement2, 32),
    reportData: bytesOf(report_data, 64),
    verifies: await verifies(bytesOf(SIMULATOR_KEY, 32), message, bytesOf(signed.signature, 64))
  };
}
var NAMES = "version direction freshness encryption_key signing_key requests bundle configuration sealing remarks";
function readStatement(bytes) {
  const json = parseFields(bytes, NAMES.split(" "), ["model"]);
  if (json.version !== 1) throw new Malformed(`the statement has version ${json.version}, this client reads 1`);
  fields(json.sealing, ["provider", "rollback"]);
  list(json.remarks).forEach(text);
  const full = json.freshness?.mode === "full";
  const { mode, nonce, stamp } = fields(json.freshness, full ? ["mode", "nonce"] : ["mode", "stamp"]);
  if (!full && mode !== "epoch") throw new Malformed("the statement's freshness is unknown");
  return {
    direction: text(json.direction),
    nonce: full ? bytesOf(nonce, 32) : void 0,
    stamp: full ? void 0 : readStamp(stamp),
    encryptionKey: bytesOf(json.encryption_key, 32),
    signingKey: bytesOf(json.signing_key, 32),
    requests: wholeNumber(json.requests),
    bundle: bytesOf(json.bundle, 32),
    model: json.model === null || json.model === void 0 ? void 0 : bytesOf(json.model, 32)
  };
}
function readStamp(json) {
  const { time, nonce, signature } = fields(json, ["time", "nonce", "signature"]);
  return { time: wholeNumber(time), nonce: bytesOf(nonce, 32), signature: bytesOf(signature, 64) };
}
var reportData = (statement) => sha512(utf8("privet tee statement v1"), u64(statement.length), statement);
async function fresh(stated, session, asked) {
  const { question, policy, now: now2, digest: digest2 } = asked;
  const { nonce, stamp, signingKey } = stated;
  if (nonce) {
    const other = "made for another nonce: an answer to somebody else, or an old one (nonce-mismatch)";
    return [failed(equal(nonce, question.nonce), other)];
  }
  if (!stamp || !acceptsEpochs(policy)) {
    return ["evidence of an epoch, and the policy names no `max_evidence_age` and `stamp_keys` (epoch-not-accepted)"];
  }
  const stamped = concat(utf8("privet tee stamp v1"), u64(stamp.time), stamp.nonce);
  const keys = await Promise.all(policy.stampKeys.map((key) => verifies(key, stamped, stamp.signature)));
  const direction = utf8(DIRECTION);
  const marked = concat(Uint8Array.of(direction.length), direction);
  const message = concat(utf8("privet tee session v1"), marked, question.nonce, digest2);
  const signed = session !== void 0 && await verifies(signingKey, message, session);
  const ahead = stamp.time > now2 + Math.max(SKEW, policy.maxClockSkew);
  return [
    failed(keys.includes(true), "no key service that the policy names stamped the time (stamp-untrusted)"),
    failed(!ahead, "stamped at a time which is still to come (stamp-in-the-future)"),
    failed(now2 < stamp.time + policy.maxEvidenceAge, "stamped at a time older than the policy takes (evidence-too-old)"),
    failed(signed, "the epoch's key did not sign this asker's nonce (session-signature-invalid)")
  ];
}

// src/tee/hpke.ts
var KEM = suite("KEM", 32);
var HPKE = suite("HPKE", 32, 1, 65535);
var NONE = new Uint8Array(32);
var EMPTY = new Uint8Array(0);
async function sendTo(receiver, info, ephemeral = generate) {
  const pair = await ephemeral();
  const encapsulated = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const agreed = await agree(pair.privateKey, receiver);
  return agreed && { encapsulated, exporter: await exporterOf(agreed, concat(encapsulated, receiver), info) };
}
async function exporterOf(agreed, keys, info) {
  const prk = await extract(KEM, NONE, "eae_prk", agreed);
  const shared = await expand2(KEM, prk, "shared_secret", keys);
  const secret = await schedule(shared, info);
  wipe(agreed, prk, shared);
  return (context) => expand2(HPKE, secret, "sec", context);
}
async function generate() {
  const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]).catch(unsupported);
  if (!pair) throw ours("E901", "The browser made no key. Nothing was sent.");
  return pair;
}
async function agree(own, other) {
  const key = await crypto.subtle.importKey("raw", other, "X25519", false, []).catch(unsupported);
  const bits = key && await crypto.subtle.deriveBits({ name: "X25519", public: key }, own, 256).catch(unsupported);
  const shared = bits ? new Uint8Array(bits) : EMPTY;
  return shared.some((byte) => byte !== 0) ? shared : void 0;
}
async function schedule(secret, info) {
  const id = await extract(HPKE, NONE, "psk_id_hash", EMPTY);
  const context = concat(Uint8Array.of(0), id, await extract(HPKE, NONE, "info_hash", info));
  const prk = await extract(HPKE, secret, "secret", EMPTY);
  return expand2(HPKE, prk, "exp", context);
}
var extract = (suite2, salt, label2, material) => hmac(salt, concat(utf8("HPKE-v1"), suite2, utf8(label2), material));
var expand2 = (suite2, prk, label2, info) => hmac(prk, concat(Uint8Array.of(0, 32), utf8("HPKE-v1"), suite2, utf8(label2), info, Uint8Array.of(1)));
async function hmac(key, message) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}
function suite(name, ...ids) {
  return concat(utf8(name), Uint8Array.from(ids.flatMap((id) => [id >>> 8, id & 255])));
}

// src/tee/channel.ts
var MAGIC = utf8("PVE1");
var [TO_ENCLAVE, TO_CLIENT] = [Uint8Array.of(1), Uint8Array.of(2)];
var REPLY_HEAD = 4 + 1 + 16 + 32 + 4;
var TAG = 16;
var SMALLEST = 256;
var LONGEST = 2 ** 28;
var Channel = class _Channel {
  constructor(claims, keyId2, sent) {
    this.claims = claims;
    this.keyId = keyId2;
    this.sent = sent;
  }
  claims;
  keyId;
  sent;
  /** Nothing is sent: the first request carries what the enclave needs. */
  static async open(claims, send2 = sendTo) {
    const { encryptionKey: key, bundle } = claims;
    const sent = await send2(key, concat(utf8("privet tee channel v1"), key, bundle));
    if (!sent) throw integrity("E364", "the enclave's key cannot be used; nothing was sent.");
    return new _Channel(claims, (await sha256(key)).slice(0, 16), sent);
  }
  /** Seals content, whose bucket is all that can be seen of its size; the content is overwritten. */
  async request(content, entropy) {
    const { evidence, bundle } = this.claims;
    const nonce = entropy(16);
    const padded = pad(content);
    const head = concat(MAGIC, TO_ENCLAVE, this.keyId, this.sent.encapsulated, nonce, evidence, bundle, u32(padded.length));
    const key = await this.sent.exporter(concat(utf8("privet tee request"), nonce));
    const message = concat(head, await seal(key, head, padded));
    wipe(content, padded, key);
    const secret = await this.sent.exporter(concat(utf8("privet tee reply"), nonce));
    const digest2 = await sha256(head, message.slice(-TAG));
    return { message, awaiting: (reply) => openReply(reply, digest2, secret, concat(evidence, bundle)) };
  }
};
async function openReply(reply, digest2, secret, bound) {
  const reader = new Reader(reply);
  const [magic, direction] = [reader.take(4), reader.take(1)];
  if (!magic || !equal(magic, MAGIC)) throw malformed2("it does not start with the mark");
  if (!direction || !equal(direction, TO_CLIENT)) throw malformed2("it goes in the other direction");
  const [nonce, request, bucket] = [reader.take(16), reader.take(32), reader.u32()];
  if (!nonce || !request || bucket === void 0) throw malformed2("it ends early");
  if (bucket > LONGEST || reader.rest.length !== bucket + TAG) throw malformed2("its length is not what it says");
  if (!equal(request, digest2)) throw refusedReply("the reply belongs to another request");
  const key = await replyKey(secret, nonce);
  const padded = await unseal(key, concat(reply.subarray(0, REPLY_HEAD), bound), reader.rest);
  wipe(secret, key);
  if (!padded) throw refusedReply("the seal does not verify: it was changed on the way");
  return unpad(padded);
}
async function replyKey(secret, nonce) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: nonce, info: utf8("privet tee reply key") };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
}
var ZERO = new Uint8Array(12);
async function seal(key, additionalData, content) {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: ZERO, additionalData }, imported, content));
}
async function unseal(key, additionalData, sealed) {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const opened = crypto.subtle.decrypt({ name: "AES-GCM", iv: ZERO, additionalData }, imported, sealed);
  return opened.then((content) => new Uint8Array(content)).catch(() => void 0);
}
function pad(content) {
  const length = bucketOf(4 + content.length);
  if (length > LONGEST) throw usage("E155", "this is more than one sealed message holds; send fewer rows at a time.");
  const out = new Uint8Array(length);
  out.set(u32(content.length));
  out.set(content, 4);
  return out;
}
function unpad(padded) {
  const reader = new Reader(padded);
  const length = reader.u32();
  const content = length === void 0 ? void 0 : reader.take(length);
  if (!content) throw malformed2("its length is wrong");
  if (reader.rest.some((byte) => byte !== 0)) throw malformed2("its padding is not zero");
  return content;
}
function bucketOf(length) {
  if (length <= SMALLEST) return SMALLEST;
  const exponent = Math.floor(Math.log2(length));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  const unit = 2 ** (exponent - kept);
  return Math.ceil(length / unit) * unit;
}
var malformed2 = (what) => refusedReply(`this is not a sealed message of version \`PVE1\`: ${what}`);
var refusedReply = (what) => integrity("E364", `The reply was refused: ${what}. No answer was released.`);

// src/tee/content.ts
var VERSION = 1;
var [ANSWER, REFUSED] = [0, 1];
var BLAMES2 = { 2: "usage", 3: "refused", 4: "unreachable", 5: "integrity" };
function writeRequest(ports, tensors, { from, to }, token) {
  const values = ports.map((port, at2) => toBytes(port, tensors[at2], from, to));
  const shown = utf8(token);
  const fixed = concat(Uint8Array.of(VERSION), u16(shown.length), shown, u32(to - from));
  const content = joined([fixed, ...values.flatMap((bytes) => [u64(bytes.length), bytes])]);
  wipe(...values);
  return content;
}
function readReply(content, ports, rows) {
  const reader = new Reader(content);
  const mark = reader.take(1)?.[0];
  if (mark === REFUSED) throw refusal2(reader);
  if (mark !== ANSWER) throw malformed3();
  const tensors = ports.map((port) => {
    const length = reader.u64();
    const bytes = length === void 0 ? void 0 : reader.take(length);
    if (!bytes) throw malformed3();
    return fromBytes(port, rows, bytes);
  });
  if (reader.rest.length > 0) throw malformed3();
  return tensors;
}
function refusal2(reader) {
  const [blame, code] = [reader.take(1)?.[0], reader.take(4)];
  if (blame === void 0 || !code) return malformed3();
  const named = new TextDecoder().decode(code);
  return new PrivetError(BLAMES2[blame] ?? "ours", isCode(named) ? named : "E900", new TextDecoder().decode(reader.rest));
}
var malformed3 = () => integrity("E510", "The enclave's answer is malformed. No answer was released.");

// src/tee/caller.ts
var MARGIN = 5;
var OPEN_AGAIN = "E361";
var TeeCaller = class {
  constructor(manifest, bundle, belief, transport, entropy) {
    this.manifest = manifest;
    this.bundle = bundle;
    this.belief = belief;
    this.transport = transport;
    this.entropy = entropy;
    if (!belief.policy) {
      const what = "The deployment is an enclave's and comes without a policy that says whom to believe.";
      throw refused("E362", `${what} Give one as \`policy\`.`);
    }
    if (manifest.tee.wantsToken && !belief.token) {
      const what = "This deployment answers holders of a token only. Ask the owner for one and give it as `token`.";
      throw refused("E367", what);
    }
    this.policy = parsePolicy(belief.policy);
    this.checkModel();
  }
  manifest;
  bundle;
  belief;
  transport;
  entropy;
  bound = null;
  policy;
  channel;
  opening;
  get assurance() {
    return this.channel ? "simulated" : "none";
  }
  async answer(tensors, rows, tally) {
    await this.opened(tally);
    const one = (range) => this.piece(tensors, range, tally);
    return { parts: await inFlight(chunksOf(rows, bytesOfRows(tensors)), one), rounds: 0 };
  }
  /** What the policy says about the model, as far as the bundle tells. */
  checkModel() {
    const { name, tee } = this.manifest;
    const { id, minVersion } = this.policy.model;
    const wrong2 = (what) => refused("E362", `${what} Nothing was sent.`);
    if (id !== void 0 && id !== name) {
      throw wrong2(`The deployment is of model \`${name}\`, the policy is about \`${id}\`.`);
    }
    if (minVersion !== void 0 && tee.version < minVersion) {
      throw wrong2(`The deployment has version ${tee.version} of the model, the policy takes ${minVersion} and later.`);
    }
  }
  async piece(tensors, range, tally) {
    const channel = await this.opened(tally);
    try {
      return await this.over(channel, tensors, range, tally);
    } catch (error) {
      if (!(error instanceof PrivetError && error.code === OPEN_AGAIN)) throw error;
      if (this.channel === channel) this.channel = void 0;
      return this.over(await this.opened(tally), tensors, range, tally);
    }
  }
  async over(channel, tensors, range, tally) {
    const { inputs, outputs } = this.manifest;
    const content = writeRequest(inputs, tensors, range, this.belief.token ?? "");
    const { message, awaiting } = await channel.request(content, this.entropy);
    const [reply] = await ask(this.transport, [[bytesTensor("sealed", message)]], tally);
    const sealed = dataOf2(reply, "sealed");
    if (!sealed) throw integrity("E510", "The host sent no sealed reply. No answer was released.");
    return readReply(await awaiting(sealed), outputs, range.to - range.from);
  }
  /** The channel over evidence that is good for a while, opened once for all who wait for it. */
  async opened(tally) {
    const until = this.channel?.claims.until ?? Infinity;
    if (this.channel && now() + MARGIN < until) return this.channel;
    this.opening ??= this.open(tally).finally(() => this.opening = void 0);
    return this.opening;
  }
  async open(tally) {
    const nonce = this.entropy(32);
    const mode = acceptsEpochs(this.policy) ? "epoch" : "full";
    const challenge = utf8(JSON.stringify({ version: 1, nonce: hex(nonce), mode }));
    const [reply] = await ask(this.transport, [[bytesTensor("challenge", challenge)]], tally);
    const presented = dataOf2(reply, "evidence");
    if (!presented) {
      throw integrity("E362", "What came where evidence was asked for is none. Nothing was sent.");
    }
    this.channel = await Channel.open(await this.claims(presented, nonce));
    return this.channel;
  }
  /** Claims that this client takes, or why not. */
  async claims(presented, nonce) {
    const question = { nonce, bundle: this.bundle, model: this.manifest.tee.model };
    const { claims, reasons } = await appraise(presented, this.policy, question, now());
    if (!claims) {
      const show = "`privet attest show --to …` shows it in full; the policy says what is believed.";
      throw refused("E362", `The evidence was refused, and nothing was sent: ${reasons.join("; ")}. ${show}`);
    }
    if (this.belief.dangerousAcceptSimulated) return claims;
    throw refused(
      "E363",
      "This is a SIMULATED enclave: an ordinary process, whose owner can read what you send. The policy accepts it, and that is not enough. For a trial with rows that are not secret, add `dangerousAcceptSimulated`. Nothing was sent."
    );
  }
};
var dataOf2 = (reply, name) => reply.outputs.find((output2) => output2.name === name)?.data;
var now = () => Math.floor(Date.now() / 1e3);

// src/index.ts
var DEADLINE_MS = 3e4;
var LONGEST_MS = 2 ** 31 - 1;
function connect(deployment, options = {}) {
  checkMachine();
  const manifest = openDeployment(deployment);
  const { deadlineMs = DEADLINE_MS } = options;
  if (!(deadlineMs > 0 && deadlineMs <= LONGEST_MS)) {
    throw usage("E145", `The deadline must be more than 0 and at most ${LONGEST_MS} milliseconds, got ${deadlineMs}.`);
  }
  const transport = {
    model: manifest.kind === "plain" ? deployment.name : manifest.name,
    version: manifest.version,
    roles: deployment.endpoints.map(({ name, http_url: url }) => ({ name, url })),
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    deadlineMs
  };
  return new Model(manifest, callerOf(manifest, deployment, options, transport));
}
function callerOf(manifest, deployment, options, transport) {
  const { inputs, outputs, mpc, tee, he } = manifest;
  const bundle = fromHex(deployment.digest, 32);
  const entropy = options.dangerousEntropyForTests ?? random;
  if (mpc) return new MpcCaller(mpc, bundle, transport, entropy);
  if (he) return new HeCaller(he, bundle, transport, entropy);
  if (!tee) return new PlainCaller(inputs, outputs, transport);
  const { token, dangerousAcceptSimulated = false } = options;
  const belief = { policy: deployment.policy, token, dangerousAcceptSimulated };
  return new TeeCaller({ ...manifest, tee }, bundle, belief, transport, entropy);
}
var random = (length) => crypto.getRandomValues(new Uint8Array(length));
function checkMachine() {
  if (!globalThis.crypto?.subtle) {
    throw ours("E901", "This page has no WebCrypto, which browsers give to pages that come over https. Nothing was sent.");
  }
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) {
    throw ours("E903", "This machine stores numbers with their high byte first, which this client does not read.");
  }
}
export {
  PrivetError,
  connect
};
