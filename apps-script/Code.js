/**
 * sheetbridge, the side that lives in the spreadsheet.
 *
 * It tells the daemon at once that somebody edited a linked tab, so that nobody waits for the next sweep. It decides
 * nothing: what it sends is a hint, the daemon reads the sheet itself.
 *
 * An edit's way: trigger -> outbox (document properties, so that a killed run loses nothing) -> parcel (the edits of one
 * POST, remembered under one webhook-id until it is settled) -> endpoint -> a word to the person who is looking.
 *
 * Properties, one namespace each; `<tab>` is the sheetId, which survives renaming:
 *   link/<tab>                         where its edits go
 *   state/<tab>                        how sending goes: tries, pause, stop
 *   parcel/<tab>                       the POST under way
 *   edit/<tab>/<time>-<uuid>           one waiting edit
 *
 * Names that end in an underscore are private to the script (Apps Script's own rule). Types: types.d.ts.
 */

const TITLE = 'sheetbridge';
const TRIGGERS = ['onSheetEdit', 'onSheetChange', 'onTimer'];
/** A property value holds 9 KB. */
const PROPERTY = 8500;
const MAX_ROWS = 100;
/** A parcel's ids fit into one property, its edits into the daemon's 256 KiB. */
const MAX_PARCEL = 25;
const LOCK_WAIT_MS = 20000;
const RUN_MS = 3 * 60 * 1000;

/** Simple trigger: shows the menu. */
function onOpen() {
  SpreadsheetApp.getUi().createMenu(TITLE)
    .addItem('Connect', 'connect')
    .addItem('Test connection', 'testConnection')
    .addItem('Sync now', 'syncNow')
    .addItem('Status', 'showStatus')
    .addSeparator()
    .addItem('Disconnect', 'disconnect')
    .addToUi();
}

/** Links the active tab: asks for the three facts, keeps them, installs the triggers, and tries them. */
function connect() {
  const endpoint = ask_('Endpoint', 'Address of the daemon, for example https://sync.example.com');
  if (endpoint === null) return;
  const name = ask_('Link', 'Name of the link in sheetbridge.toml');
  if (name === null) return;
  const secret = ask_('Secret', 'Secret of the link (whsec_…). Every editor of this spreadsheet can read it here.');
  if (secret === null) return;
  if (!/^https?:\/\/[^\s/]+/.test(endpoint)) return say_('The endpoint must be an address that begins with https://');
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) return say_('A link name has letters, digits, dots, dashes and underscores only');
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)) return say_('The secret begins with whsec_ and is base64 after that');

  const spreadsheet = SpreadsheetApp.getActive();
  const tab = spreadsheet.getActiveSheet().getSheetId();
  write_(`link/${tab}`, { spreadsheet: spreadsheet.getId(), endpoint: endpoint.replace(/\/+$/, ''), name, secret });
  installTriggers_(spreadsheet);
  testConnection();
}

/** Sends a harmless hint and shows in words how it went. */
function testConnection() {
  const trouble = hintFromPerson_();
  if (trouble !== null) say_(trouble || 'Connected: the daemon accepted a signed message.');
}

/** Asks the daemon to look at the active tab now. */
function syncNow() {
  const trouble = hintFromPerson_();
  if (trouble !== null) tell_(trouble || 'The daemon has been asked to look at this tab.');
}

/** Shows how the active tab is linked and what waits. */
function showStatus() {
  const sheet = SpreadsheetApp.getActive().getActiveSheet();
  const stored = read_();
  const link = link_(stored, sheet.getSheetId());
  if (!link) return say_('This tab is not connected.');
  const state = state_(stored, sheet.getSheetId());
  say_([
    `Tab "${sheet.getName()}" is linked to ${link.name} at ${link.endpoint}.`,
    `Waiting to be sent: ${waiting_(stored, sheet.getSheetId()).length}.`,
    `Last accepted: ${state.sent || 'never'}.`,
    state.stopped || state.trouble || 'No trouble known.',
  ].join('\n'));
}

/** Forgets the active tab's link and its waiting edits; takes the triggers away with the last link. */
function disconnect() {
  const tab = SpreadsheetApp.getActive().getActiveSheet().getSheetId();
  const mine = new RegExp(`^(link|state|parcel|edit)/${tab}(/|$)`);
  remove_(Object.keys(read_()).filter((key) => mine.test(key)));
  if (linkedTabs_(read_()).length === 0) {
    const ours = ScriptApp.getProjectTriggers().filter((trigger) => TRIGGERS.includes(trigger.getHandlerFunction()));
    ours.forEach((trigger) => ScriptApp.deleteTrigger(trigger));
  }
  say_('This tab is no longer connected.');
}

/**
 * Tells the daemon to look. What a person asks for also ends a pause or a stop: the cause may just have been mended.
 * @returns {string | null} the trouble met, or null where this tab is not linked
 */
function hintFromPerson_() {
  const tab = SpreadsheetApp.getActive().getActiveSheet().getSheetId();
  if (!link_(read_(), tab)) {
    say_('This tab is not connected. Choose Connect first.');
    return null;
  }
  remove_([`state/${tab}`]);
  post_(tab, [{ ...stamp_(Session.getActiveUser().getEmail()), kind: 'change', change: 'OTHER' }]);
  send_([tab]);
  const state = state_(read_(), tab);
  return state.stopped || state.trouble;
}

/** @param {GoogleAppsScript.Spreadsheet.Spreadsheet} spreadsheet */
function installTriggers_(spreadsheet) {
  const [onEdit, onChange, onTimer] = TRIGGERS.map((name) => ScriptApp.newTrigger(name));
  const wanted = [
    onEdit.forSpreadsheet(spreadsheet).onEdit(),
    onChange.forSpreadsheet(spreadsheet).onChange(),
    onTimer.timeBased().everyMinutes(1),
  ];
  const present = ScriptApp.getProjectTriggers().map((trigger) => trigger.getHandlerFunction());
  wanted.filter((_, index) => !present.includes(TRIGGERS[index])).forEach((trigger) => trigger.create());
}

/** @param {string} title @param {string} question @returns {string | null} null if the person cancelled */
function ask_(title, question) {
  const ui = SpreadsheetApp.getUi();
  const answer = ui.prompt(`${TITLE}: ${title}`, question, ui.ButtonSet.OK_CANCEL);
  return answer.getSelectedButton() === ui.Button.OK ? answer.getResponseText().trim() : null;
}

/** @param {string} text */
function say_(text) {
  SpreadsheetApp.getUi().alert(TITLE, text, SpreadsheetApp.getUi().ButtonSet.OK);
}

/** @param {string} text */
function tell_(text) {
  SpreadsheetApp.getActive().toast(text, TITLE, 10);
}

// ---- the triggers ----------------------------------------------------------------------------------------------------

/**
 * Somebody changed cells. `e.range` points at a position, not at the moved cell, and `e.value` is there only for a typed
 * single cell; so the rows are sent as they read now.
 * @param {GoogleAppsScript.Events.SheetsOnEdit} e
 */
function onSheetEdit(e) {
  const sheet = e.range.getSheet();
  const tab = sheet.getSheetId();
  if (!link_(read_(), tab)) return;
  const header = header_(sheet);
  const range = {
    row_start: e.range.getRow(), row_end: e.range.getLastRow(),
    column_start: e.range.getColumn(), column_end: e.range.getLastColumn(),
  };
  post_(tab, fitting_({
    ...stamp_(e.user ? e.user.getEmail() : ''),
    kind: 'edit', range, header, rows: rows_(sheet, range, header.length),
    ...(typeof e.value === 'string' ? { value: e.value } : {}),
    ...(typeof e.oldValue === 'string' ? { old_value: e.oldValue } : {}),
  }));
  send_([tab]);
}

/**
 * Rows, columns or tabs came, went or moved. The event names no tab, so every linked tab is told. A cell's edit also
 * arrives here (EDIT), after `onSheetEdit` has told more about it; formats are nobody's business.
 * @param {GoogleAppsScript.Events.SheetsOnChange} e
 */
function onSheetChange(e) {
  const change = String(e.changeType);
  if (change === 'EDIT' || change === 'FORMAT') return;
  const tabs = linkedTabs_(read_());
  tabs.forEach((tab) => post_(tab, [{ ...stamp_(e.user ? e.user.getEmail() : ''), kind: 'change', change }]));
  send_(tabs);
}

/** Every minute: what could not be sent before. */
function onTimer() {
  const stored = read_();
  send_(linkedTabs_(stored).filter((tab) => waiting_(stored, tab).length > 0));
}

/** @param {string} editor @returns {{id: string, editor?: string, at: string, zone: string}} wall time, never a JSON date */
function stamp_(editor) {
  const zone = SpreadsheetApp.getActive().getSpreadsheetTimeZone();
  const at = Utilities.formatDate(new Date(), zone, "yyyy-MM-dd'T'HH:mm:ss.SSS");
  return { id: Utilities.getUuid(), ...(editor ? { editor } : {}), at, zone };
}

/** @param {Sheet} sheet @returns {string[]} the first row up to its last filled cell */
function header_(sheet) {
  const width = sheet.getLastColumn();
  const header = width > 0 ? sheet.getRange(1, 1, 1, width).getDisplayValues()[0] : [];
  while (header.length > 0 && header[header.length - 1] === '') header.pop();
  return header;
}

/** @param {Sheet} sheet @param {Area} range @param {number} width @returns {{row: number, cells: string[]}[]} */
function rows_(sheet, range, width) {
  const last = Math.min(range.row_end, sheet.getMaxRows(), range.row_start + MAX_ROWS - 1);
  if (width === 0 || last < range.row_start) return [];
  return sheet.getRange(range.row_start, 1, last - range.row_start + 1, width).getDisplayValues()
    .map((cells, index) => ({ row: range.row_start + index, cells }));
}

// ---- the outbox ------------------------------------------------------------------------------------------------------

/** @returns {Stored} */
function read_() {
  return PropertiesService.getDocumentProperties().getProperties();
}

/** @param {string} key @param {object} value */
function write_(key, value) {
  PropertiesService.getDocumentProperties().setProperty(key, JSON.stringify(value));
}

/** @param {string[]} keys */
function remove_(keys) {
  keys.forEach((key) => PropertiesService.getDocumentProperties().deleteProperty(key));
}

/** @param {Stored} stored @param {number} tab @returns {Link | null} a copied spreadsheet must not speak for its original */
function link_(stored, tab) {
  const link = JSON.parse(stored[`link/${tab}`] || 'null');
  return link && link.spreadsheet === SpreadsheetApp.getActive().getId() ? link : null;
}

/** @param {Stored} stored @returns {number[]} */
function linkedTabs_(stored) {
  return Object.keys(stored).filter((key) => key.startsWith('link/')).map((key) => Number(key.slice(5)))
    .filter((tab) => link_(stored, tab) !== null);
}

/** @param {Stored} stored @param {number} tab @returns {State} */
function state_(stored, tab) {
  const none = { tries: 0, until: 0, stopped: '', sent: '', trouble: '' };
  return { ...none, ...JSON.parse(stored[`state/${tab}`] || '{}') };
}

/**
 * Cuts a large edit by rows until each part fits into one property. What does not fit even so goes without its cells.
 * @param {Edit} edit @returns {Edit[]}
 */
function fitting_(edit) {
  if (ascii_(edit).length <= PROPERTY) return [edit];
  const { rows, range } = edit;
  const unseen = { header: undefined, rows: undefined, value: undefined, old_value: undefined };
  if (!rows || !range || rows.length < 2) return [{ ...edit, ...unseen }];
  const middle = rows[rows.length >> 1].row;
  const above = { ...edit, range: { ...range, row_end: middle - 1 }, rows: rows.filter(({ row }) => row < middle) };
  const below = { ...edit, range: { ...range, row_start: middle }, rows: rows.filter(({ row }) => row >= middle) };
  return [...fitting_(above), ...fitting_({ ...below, id: Utilities.getUuid() })];
}

/** @param {object} value @returns {string} JSON in which a character is a byte */
function ascii_(value) {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Puts edits into the outbox: they are there before anything is sent. @param {number} tab @param {Edit[]} edits */
function post_(tab, edits) {
  const time = String(Date.now()).padStart(15, '0');
  const entries = Object.fromEntries(edits.map((edit) => [`edit/${tab}/${time}-${edit.id}`, ascii_(edit)]));
  try {
    PropertiesService.getDocumentProperties().setProperties(entries);
  } catch (quotaUsedUp) {
    tell_('The outbox is full. The daemon will find this edit by itself when it next looks.');
  }
}

/** @param {Stored} stored @param {number} tab @returns {string[]} the keys of a tab's waiting edits, oldest first */
function waiting_(stored, tab) {
  return Object.keys(stored).filter((key) => key.startsWith(`edit/${tab}/`)).sort();
}

/**
 * The edits of the next POST. Which ones they are is remembered with its webhook-id, so that a retry says the same.
 * @param {Stored} stored @param {number} tab @returns {{id: string, keys: string[], edits: Edit[]} | null}
 */
function parcel_(stored, tab) {
  const begun = JSON.parse(stored[`parcel/${tab}`] || '{"keys":[]}');
  let id = begun.id;
  let keys = waiting_(stored, tab).filter((key) => begun.keys.includes(key));
  if (keys.length === 0) {
    id = Utilities.getUuid();
    keys = waiting_(stored, tab).slice(0, MAX_PARCEL);
    if (keys.length === 0) return null;
    write_(`parcel/${tab}`, { id, keys });
  }
  return { id, keys, edits: keys.map((key) => JSON.parse(stored[key])) };
}

// ---- sending ---------------------------------------------------------------------------------------------------------

/** Sends what waits, unless another run is at it for long: then the timer will. @param {number[]} tabs */
function send_(tabs) {
  const deadline = Date.now() + RUN_MS;
  const lock = LockService.getScriptLock();
  if (tabs.length === 0 || !lock.tryLock(LOCK_WAIT_MS)) return;
  tabs.forEach((tab) => { while (Date.now() < deadline && sendOne_(tab)); });
  lock.releaseLock();
}

/** @param {number} tab @returns {boolean} whether it is worth going on */
function sendOne_(tab) {
  const stored = read_();
  const link = link_(stored, tab);
  const state = state_(stored, tab);
  if (!link || state.stopped || state.until > Date.now()) return false;
  const parcel = parcel_(stored, tab);
  if (!parcel) return false;
  let response;
  try {
    response = fetch_(link, tab, parcel);
  } catch (failure) {
    return later_(tab, state, `The daemon cannot be reached: ${failure}`, 0);
  }
  const code = response.getResponseCode();
  const answers = code >= 200 && code < 300 ? answers_(response.getContentText()) : null;
  if (answers) {
    remove_([...parcel.keys, `parcel/${tab}`]);
    write_(`state/${tab}`, { sent: stamp_('').at });
    show_(answers);
    return true;
  }
  if (code < 300 || code === 408 || code === 429 || code >= 500) {
    const headers = /** @type {Object<string, string>} */ (response.getHeaders());
    return later_(tab, state, `The daemon is not ready (${code}).`, Number(headers['Retry-After']) || 0);
  }
  return refused_(tab, state, parcel.keys, code);
}

/** @param {Link} link @param {number} tab @param {{id: string, edits: Edit[]}} parcel */
function fetch_(link, tab, parcel) {
  const body = JSON.stringify({ v: 1, spreadsheet: link.spreadsheet, sheet_id: tab, edits: parcel.edits });
  const timestamp = String(Math.floor(Date.now() / 1000));
  return UrlFetchApp.fetch(`${link.endpoint}/v1/links/${encodeURIComponent(link.name)}/edits`, {
    method: 'post',
    contentType: 'application/json',
    payload: body,
    headers: {
      'webhook-id': parcel.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${sign_(link.secret, `${parcel.id}.${timestamp}.${body}`)}`,
    },
    muteHttpExceptions: true,
  });
}

/** @param {string} text @returns {Answer[] | null} nothing where not the daemon answered but a proxy's own page */
function answers_(text) {
  try {
    return JSON.parse(text).edits || null;
  } catch (notJson) {
    return null;
  }
}

/** @param {string} secret @param {string} text @returns {string} over bytes: the text form is US-ASCII and spoils "é" */
function sign_(secret, text) {
  const key = Utilities.base64Decode(secret.replace(/^whsec_/, ''));
  return Utilities.base64Encode(Utilities.computeHmacSha256Signature(Utilities.newBlob(text).getBytes(), key));
}

/**
 * Passing trouble: the edits stay. Pauses double from 30 s to an hour, far inside 20,000 fetches a day.
 * @param {number} tab @param {State} state @param {string} trouble @param {number} retryAfter in seconds
 */
function later_(tab, state, trouble, retryAfter) {
  const seconds = Math.min(Math.max(30 * 2 ** Math.min(state.tries, 7), retryAfter), 3600);
  const kept = `${trouble.slice(0, 300)} The edits are kept and sent again.`;
  write_(`state/${tab}`, { ...state, tries: state.tries + 1, until: Date.now() + seconds * 1000, trouble: kept });
  console.warn(`tab ${tab}: ${trouble}`);
  return false;
}

/**
 * A refusal for good. A wrong address or secret stops the tab and keeps its edits; else this one parcel is given up.
 * @param {number} tab @param {State} state @param {string[]} keys @param {number} code
 */
function refused_(tab, state, keys, code) {
  const stops = [401, 403, 404, 410].includes(code);
  const reason = stops
    ? `The daemon refused this tab (${code}): check link name and secret, then choose Test connection.`
    : `The daemon could not take an edit (${code}). It will look at the sheet by itself.`;
  if (!stops) remove_([...keys, `parcel/${tab}`]);
  write_(`state/${tab}`, { ...state, [stops ? 'stopped' : 'trouble']: reason });
  tell_(reason);
  return !stops;
}

// ---- the person is told ----------------------------------------------------------------------------------------------

/**
 * The person who is looking hears at once what could not be taken. The notes at the cells are the daemon's: it also reaches
 * those whose edit was decided later, or sent by nobody.
 * @param {Answer[]} answers
 */
function show_(answers) {
  const reasons = answers.flatMap((answer) => answer.rows && answer.rows.length > 0 ? answer.rows : [answer])
    .filter(({ outcome, message }) => ['refused', 'conflict'].includes(outcome) || (outcome === 'applied' && message))
    .map(({ outcome, message }) => message || outcome);
  if (reasons.length > 0) tell_(reasons.length === 1 ? reasons[0] : `${reasons[0]} (and ${reasons.length - 1} more)`);
}
