// What stands around the grid: tabs, the person, notes under the mouse, toasts, and the pane beside it.

const $ = (id) => document.getElementById(id);
const PEOPLE = ['ann@example.com', 'bob@example.com', 'carol@example.com'];

/** Tabs at the bottom; a click opens one, a double click renames it, + adds one. */
export function showTabs(tabs, current, open, does) {
  const buttons = tabs.filter((tab) => !tab.hidden).map((tab) => {
    const button = document.createElement('button');
    button.textContent = tab.title;
    button.dataset.tab = tab.id;
    button.classList.toggle('current', tab.id === current);
    button.addEventListener('click', () => open(tab.id));
    button.addEventListener('dblclick', () => {
      const title = prompt('Rename tab', tab.title);
      if (title) does({ kind: 'rename_tab', sheet: tab.id, title });
    });
    return button;
  });
  const add = document.createElement('button');
  add.id = 'add-tab';
  add.textContent = '+';
  add.title = 'Add a tab';
  add.addEventListener('click', () => {
    const title = prompt('Title of the new tab', `Sheet${tabs.length + 1}`);
    if (title) does({ kind: 'add_tab', title });
  });
  $('tabs').replaceChildren(add, ...buttons);
}

/** Who types; `?person=` chooses, and is added if unknown. */
export function choosePerson() {
  const wanted = new URLSearchParams(location.search).get('person') ?? localStorage.getItem('person') ?? PEOPLE[0];
  const select = $('person');
  for (const person of new Set([...PEOPLE, wanted])) select.add(new Option(person, person));
  select.add(new Option('somebody else…', ''));
  select.value = wanted;
  let last = wanted;
  select.addEventListener('change', () => {
    if (select.value === '') {
      const person = prompt('E-mail address');
      if (person) select.add(new Option(person, person), 0);
      select.value = person || last;
    }
    last = select.value;
    localStorage.setItem('person', last);
  });
  return () => select.value;
}

/** Shows a cell's note while the mouse is over it. */
export function showNotes(grid) {
  const tip = $('tooltip');
  grid.viewport.addEventListener('mousemove', (event) => {
    const cell = event.target.closest('.cell.noted');
    const at = cell && grid.at(event);
    tip.hidden = !at;
    if (!at) return;
    tip.textContent = grid.cells.cell(at.row, at.column)?.n ?? '';
    const box = cell.getBoundingClientRect();
    tip.style.left = `${Math.min(box.right + 6, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(box.top, innerHeight - tip.offsetHeight - 8)}px`;
  });
  grid.viewport.addEventListener('mouseleave', () => { tip.hidden = true; });
}

export function toast(title, text) {
  const node = document.createElement('div');
  node.className = 'toast';
  const head = document.createElement('b');
  head.textContent = title;
  node.append(head, text);
  $('toasts').append(node);
  setTimeout(() => node.remove(), 8000);
}

/** `?beside=URL` shows another page on the right, `&besideTitle=` names it; the line between can be dragged. */
export function showBeside() {
  const wanted = new URLSearchParams(location.search);
  const url = wanted.get('beside');
  if (!url) return;
  $('beside-frame').src = url;
  $('beside-title').textContent = wanted.get('besideTitle') ?? '';
  $('beside-link').textContent = $('beside-link').href = url;
  $('beside').hidden = $('splitter').hidden = false;
  $('splitter').addEventListener('pointerdown', (event) => {
    $('splitter').setPointerCapture(event.pointerId);
    $('splitter').onpointermove = (move) => { $('beside').style.width = `${Math.max(240, innerWidth - move.clientX)}px`; };
    $('splitter').onpointerup = () => { $('splitter').onpointermove = null; };
  });
}
