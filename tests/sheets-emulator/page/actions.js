// The toolbar and the menu under the right mouse button: what a person does to rows, and notes.
import { letters } from './grid.js';

const $ = (id) => document.getElementById(id);

export class Actions {
  constructor(grid, selection, edit, does) {
    Object.assign(this, { grid, selection, edit, does });
    const buttons = {
      'undo': () => does({ kind: 'undo' }),
      'insert-above': () => this.insert(this.area.top),
      'insert-below': () => this.insert(this.area.bottom),
      'delete-rows': () => does({ kind: 'delete_rows', start: this.area.top, end: this.area.bottom }),
      'sort-ascending': () => this.sort(false),
      'sort-descending': () => this.sort(true),
      'edit-note': () => this.note(),
    };
    for (const [id, work] of Object.entries(buttons)) {
      $(id).addEventListener('click', () => {
        edit.commit();
        work();
        grid.viewport.focus({ preventScroll: true });
      });
    }
    grid.viewport.addEventListener('contextmenu', (event) => this.open(event));
    document.addEventListener('mousedown', (event) => { if (!event.target.closest('#menu')) this.close(); });
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape') this.close(); });
  }

  get area() { return this.selection.area; }

  insert(at) { this.does({ kind: 'insert_rows', at, count: this.area.bottom - this.area.top }); }

  /** The whole tab below its frozen rows; without frozen rows, below the first row, which is taken for the header. */
  sort(descending) {
    const { tab } = this.selection;
    const column = this.selection.anchor.column;
    const area = { top: Math.max(tab.frozenRows, 1), left: 0, bottom: tab.rows, right: tab.columns };
    this.does({ kind: 'sort_by_column', column, descending, ...(tab.frozenRows > 0 ? {} : { area }) });
  }

  note() {
    const { row, column } = this.selection.anchor;
    const text = prompt('Note', this.grid.cells.cell(row, column)?.n ?? '');
    if (text !== null) this.does({ kind: 'note', row, column, text });
  }

  open(event) {
    event.preventDefault();
    const { top, bottom } = this.area;
    const rows = bottom - top === 1 ? 'row' : `${bottom - top} rows`;
    const column = letters(this.selection.anchor.column);
    this.fill(event.clientX, event.clientY, [
      ['insert-above', `Insert ${rows} above`], ['insert-below', `Insert ${rows} below`], ['delete-rows', `Delete ${rows}`],
      null,
      ['sort-ascending', `Sort tab by ${column}, A→Z`], ['sort-descending', `Sort tab by ${column}, Z→A`],
      null,
      ['edit-note', 'Note…'],
    ].map((item) => item && { id: `menu-${item[0]}`, label: item[1], run: () => $(item[0]).click() }));
  }

  /** Opens the menu with items {id, label, run}, or null for a line between. */
  fill(x, y, items) {
    const menu = $('menu');
    menu.replaceChildren(...items.map((item) => {
      if (item === null) return document.createElement('hr');
      const button = document.createElement('button');
      button.id = item.id;
      button.textContent = item.label;
      button.addEventListener('click', () => {
        this.close();
        item.run();
      });
      return button;
    }));
    menu.hidden = false;
    menu.style.left = `${Math.min(x, innerWidth - menu.offsetWidth - 8)}px`;
    menu.style.top = `${Math.min(y, innerHeight - menu.offsetHeight - 8)}px`;
  }

  close() { $('menu').hidden = true; }
}
