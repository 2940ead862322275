// The menus of the spreadsheet's script. A script's dialogs are answered beforehand, so a dialog that it opens is asked
// here and the item is chosen again with the answer added, until no dialog is left unanswered.
import { toast } from './around.js';

const $ = (id) => document.getElementById(id);

export async function showScript(google, person, currentTab, actions) {
  let { menus } = await google.script();
  if (menus.length === 0) {
    await google.open(person()).catch(() => undefined);
    ({ menus } = await google.script());
  }
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
