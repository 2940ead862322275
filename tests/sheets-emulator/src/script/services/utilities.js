// Utilities: bytes are signed (-128..127), and text is US-ASCII unless a charset is given.
(function (google) {
  const ask = (call, more) => google.host('utilities', { call, ...more });
  const named = (names) => Object.fromEntries(names.map((name) => [name, Object.freeze({ toString: () => name })]));
  const Charset = named(['US_ASCII', 'UTF_8']);
  const DigestAlgorithm = named(['MD5', 'SHA_1', 'SHA_256', 'SHA_384', 'SHA_512']);
  const isBytes = (value) => Array.isArray(value);
  const javaType = (value) => (isBytes(value) ? 'number[]' : value && value.toString && typeof value === 'object' ? `Utilities.${value}` : typeof value === 'string' ? 'String' : typeof value);
  const mismatch = (method, parts) => new Error(`The parameters (${parts.map(javaType).join(',')}) don't match the method signature for Utilities.${method}.`);
  const charsetOf = (charset) => String(charset ?? Charset.US_ASCII);
  const bytesOf = (value, charset) => (isBytes(value) ? value : ask('encode', { text: value, charset: charsetOf(charset) }));

  class Blob {
    constructor(bytes, type, name) { Object.assign(this, { bytes, type: type ?? null, name: name ?? null }); }
    getBytes() { return this.bytes.slice(); }
    getContentType() { return this.type; }
    getName() { return this.name; }
    getDataAsString() { return ask('decode', { bytes: this.bytes }); }
  }
  google.Blob = Blob;

  const encode = (alphabet) => (value, charset) => ask('base64Encode', { bytes: bytesOf(value, charset ?? Charset.UTF_8), alphabet });
  const decode = (alphabet) => (text) => ask('base64Decode', { text, alphabet });

  globalThis.Utilities = {
    Charset,
    DigestAlgorithm,
    computeHmacSha256Signature(value, key, charset) {
      const parts = charset === undefined ? [value, key] : [value, key, charset];
      if (isBytes(value) !== isBytes(key) || (!isBytes(value) && (typeof value !== 'string' || typeof key !== 'string'))) {
        throw mismatch('computeHmacSha256Signature', parts);
      }
      return ask('hmacSha256', { bytes: bytesOf(value, charset), key: bytesOf(key, charset) });
    },
    computeDigest(algorithm, value, charset) {
      if (algorithm !== DigestAlgorithm.SHA_256) throw new Error(`digest ${algorithm} is not built into this emulator`);
      return ask('sha256', { bytes: bytesOf(value, charset) });
    },
    base64Encode: encode('standard'),
    base64EncodeWebSafe: encode('webSafe'),
    base64Decode: decode('standard'),
    base64DecodeWebSafe: decode('webSafe'),
    newBlob: (data, type, name) => new Blob(isBytes(data) ? data.slice() : ask('encode', { text: String(data), charset: 'UTF_8' }), type, name),
    getUuid: () => ask('uuid'),
    formatDate: (date, zone, pattern) => ask('formatDate', { ms: date.getTime(), zone, pattern }),
    sleep: (ms) => { ask('sleep', { ms }); },
  };

  const line = (level) => (...parts) => {
    const text = parts.map((part) => (typeof part === 'string' ? part : part instanceof Error ? String(part) : JSON.stringify(part))).join(' ');
    google.host('log', { level, text });
  };
  globalThis.console = { log: line('info'), info: line('info'), warn: line('warn'), error: line('error') };
  globalThis.Logger = { log: line('info') };
})(__google);
