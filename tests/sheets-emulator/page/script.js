// The menus of the spreadsheet's script. A script's dialogs are answered beforehand, so a dialog that it opens is asked
// here and the item is chosen again with the answer added, until no dialog is left unanswered.
import { toast } from './around.js';

const $ = (id) => document.getElementById(id);

export async function showScript(google, person, currentTab, actions) {
  let { menus } = await google.script();
  if (!menus) return;
  if (menus.length === 0) {
    await google.open(person());
    ({ menus } = await google.script());
  }
  showToasts(google);
  $('script-menus').replaceChildren(...menus.map((menu) => {
    const button = document.createElement('button');
    button.textContent = `${menu.title} ▾`;
    button.dataset.menu = menu.title;
    button.addEventListener('click', () => {
      const box = button.getBoundingClientRect();
      actions.fill(box.left, box.bottom + 4, menu.items.map((item) => ({
        id: `script-${item.function}`, label: item.label, run: () => choose(google, item.label, person, currentTab()),
      })));
    });
    return button;
  }));
}

/** Shows the toasts of runs that nobody here has asked for: those of triggers. */
async function showToasts(google) {
  let last = Math.max(0, ...(await google.ran(0)).map((run) => run.id));
  for (;;) {
    await new Promise((passed) => setTimeout(passed, 1000));
    if (document.hidden) continue;
    for (const run of await google.ran(last).catch(() => [])) {
      last = Math.max(last, run.id);
      if (run.trigger === 'menu') continue;
      for (const shown of run.shown) toast(shown.title, shown.text);
    }
  }
}

async function choose(google, item, person, tab) {
  const replies = [];
  for (;;) {
    const run = await google.choose(item, person(), tab, replies);
    const dialogs = run.shown.filter((shown) => shown.kind !== 'toast');
    const open = dialogs[replies.length];
    for (const shown of run.shown.filter((one) => one.kind === 'toast')) toast(shown.title, shown.text);
    if (run.outcome !== 'completed') toast('script', `${run.outcome}: ${run.why ?? ''}`);
    if (open?.kind !== 'prompt') {
      if (open) alert(`${open.title}\n\n${open.text}`);
      return;
    }
    const text = prompt(`${open.title}\n\n${open.text}`);
    if (text === null) return;
    replies.push({ button: 'OK', text });
  }
}
