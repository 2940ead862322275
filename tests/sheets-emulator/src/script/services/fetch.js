// UrlFetchApp: real requests. Network failures throw even when exceptions are muted; statuses only when they are not.
(function (google) {
  class HTTPResponse {
    constructor(answer) { this.answer = answer; }
    getResponseCode() { return this.answer.status; }
    getContentText() { return google.host('utilities', { call: 'decode', bytes: this.answer.bytes }); }
    getContent() { return this.answer.bytes.slice(); }
    getBlob() { return new google.Blob(this.getContent(), this.answer.headers['Content-Type']); }
    getHeaders() { return { ...this.answer.headers }; }
    getAllHeaders() { return this.getHeaders(); }
  }

  const form = (fields) => Object.entries(fields)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join('&');
  const bytesOf = (text) => google.host('utilities', { call: 'encode', text, charset: 'UTF_8' });

  function request(url, options = {}) {
    const { payload } = options;
    let body = null;
    if (Array.isArray(payload)) body = payload;
    else if (payload instanceof google.Blob) body = payload.getBytes();
    else if (payload !== null && typeof payload === 'object') body = bytesOf(form(payload));
    else if (payload !== undefined && payload !== null) body = bytesOf(String(payload));
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)]);
    if (headers.length > 100) throw new Error('Attribute provided with invalid value: headers');
    const method = String(options.method ?? (body === null ? 'get' : 'post')).toUpperCase();
    const contentType = body === null ? null : options.contentType ?? 'application/x-www-form-urlencoded';
    return { url, method, contentType, headers, body, followRedirects: options.followRedirects !== false };
  }

  function response(answer, url, options = {}) {
    if (answer.failure) throw new Error(answer.failure);
    const made = new HTTPResponse(answer);
    if (answer.status >= 400 && !options.muteHttpExceptions) {
      const host = url.replace(/^(\w+:\/\/[^/]+).*$/, '$1');
      throw new Error(`Request failed for ${host} returned code ${answer.status}. Truncated server response: ${made.getContentText().slice(0, 200)} (use muteHttpExceptions option to examine full response)`);
    }
    return made;
  }

  globalThis.UrlFetchApp = {
    fetch: (url, options) => response(google.host('fetch', { requests: [request(url, options)] })[0], url, options),
    fetchAll(requests) {
      const each = requests.map((one) => (typeof one === 'string' ? { url: one } : one));
      const answers = google.host('fetch', { requests: each.map((one) => request(one.url, one)) });
      return answers.map((answer, index) => response(answer, each[index].url, each[index]));
    },
    getRequest: (url, options) => request(url, options),
  };
})(__google);
