// The page of one spreadsheet: makes the parts and lets them know of each other.
import { Google } from './google.js';
import { Cells } from './cells.js';
import { Grid } from './grid.js';
import { Selection } from './selection.js';
import { Edit } from './edit.js';
import { Actions } from './actions.js';
import { choosePerson, showBeside, showNotes, showTabs, toast } from './around.js';
import { showScript } from './script.js';

const $ = (id) => document.getElementById(id);
const google = new Google(decodeURIComponent(location.pathname.split('/')[2]));
const person = choosePerson();
let outline = null;

const cells = new Cells(google, (flashes) => {
  grid.flash(flashes);
  edit.show();
  requestAnimationFrame(() => selection.show());
});
const grid = new Grid(cells);
const selection = new Selection(grid, () => edit.show());
const edit = new Edit(grid, selection, does);
const actions = new Actions(grid, selection, edit, does);

/** Hands an action of the person, on the open tab unless it names one, to the emulator. */
async function does(action) {
  const free = ['undo', 'add_tab'].includes(action.kind);
  try {
    await google.act(person(), free ? action : { sheet: cells.tab.id, ...action });
  } catch (refused) {
    toast('Not possible', refused.message);
  }
}

function open(id) {
  const tab = outline.tabs.find((one) => one.id === id) ?? outline.tabs[0];
  cells.show(tab);
  grid.rebuild();
  selection.select({ row: Math.min(tab.frozenRows, tab.rows - 1), column: 0 });
  showTabs(outline.tabs, tab.id, open, does);
  history.replaceState(null, '', `#tab=${tab.id}`);
}

/** Reads the outline again; keeps the place if the tab is still there. */
async function refresh() {
  const before = cells.tab;
  outline = await google.outline();
  $('title').textContent = document.title = outline.title;
  $('zone').textContent = `· ${outline.timeZone}`;
  const tab = outline.tabs.find((one) => one.id === before.id);
  if (!tab) return open(before.id);
  cells.tab = tab;
  if (['columns', 'frozenRows'].some((what) => before[what] !== tab[what])) grid.rebuild();
  selection.select(selection.anchor, selection.focus, false);
  showTabs(outline.tabs, tab.id, open, does);
}

async function heard(change) {
  if (change.structure) await refresh();
  // Without a cause, the feed has left something out.
  if (!change.cause) return cells.stale(0, Infinity, undefined);
  const by = change.cause.by !== 'person' ? 'api' : change.cause.who === person() ? undefined : 'other';
  const [from, to] = change.rows[cells.tab.id] ?? [0, 0];
  if (to > from) cells.stale(from, to, by);
}

function state(now) {
  $('live').dataset.state = now;
  $('live').querySelector('b').textContent = { live: 'live', lost: 'reconnecting' }[now];
  // What was missed in between is not known: everything in view is read again.
  if (now === 'live' && outline) refresh().then(() => cells.stale(0, Infinity, undefined));
}

showBeside();
showNotes(grid);
outline = await google.outline();
open(Number(new URLSearchParams(location.hash.slice(1)).get('tab') ?? outline.tabs[0].id));
await refresh();
google.listen(heard, state);
showScript(google, person, () => cells.tab.id, actions);
grid.viewport.addEventListener('scroll', () => selection.show(), { passive: true });
grid.viewport.focus({ preventScroll: true });
