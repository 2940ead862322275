// The way to the emulator: every request of the page is in this file.

async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error?.message ?? said.error ?? `the emulator answered ${answer.status}`);
  return said;
}

/** Every spreadsheet: [{id, title}]. */
export const spreadsheets = async () => (await call('GET', '/emulator/page')).spreadsheets;

/** One spreadsheet, as this page needs it. */
export class Google {
  constructor(id) {
    this.base = `/emulator/spreadsheets/${encodeURIComponent(id)}`;
  }

  /** {title, timeZone, version, tabs: [{id, title, rows, columns, frozenRows, widths}]} */
  outline() { return call('GET', `${this.base}/page`); }

  /** Cells of rows [from, to) of a tab: {version, rows: [[cell or null]]}. */
  rows(tab, from, to) { return call('GET', `${this.base}/page/${tab}?from=${from}&to=${to}`); }

  /** Does what a person does. */
  act(person, action) { return call('POST', `${this.base}/actions`, { person, action }); }

  /** {menus: [{title, items: [{label, function}]}]}; nothing in it where no script is installed. */
  script() { return call('GET', `${this.base}/script`).catch(() => ({})); }

  /** What the script ran after an execution: [{id, trigger, shown: [{kind, title, text}]}]. */
  async ran(after) { return (await call('GET', `${this.base}/script/executions/${after}`)).executions; }

  /** Opens the spreadsheet for its script: `onOpen` adds the menus. */
  open(person) { return call('POST', `${this.base}/script/open`, { person }); }

  /** Chooses a menu item and answers its dialogs; gives what the script showed. */
  choose(item, person, sheet, replies) { return call('POST', `${this.base}/script/menu`, { item, person, sheet, replies }); }

  /** Calls `heard` with every change, and `state` with 'live' or 'lost'. */
  listen(heard, state) {
    const feed = new EventSource(`${this.base}/changes`);
    feed.onopen = () => state('live');
    feed.onerror = () => state('lost');
    feed.onmessage = (event) => heard(JSON.parse(event.data));
    // A page that is left is kept for the way back, and its feed with it: six of those are all the connections that a
    // browser lends one host.
    addEventListener('pagehide', () => feed.close());
    addEventListener('pageshow', (event) => event.persisted && location.reload());
  }
}
