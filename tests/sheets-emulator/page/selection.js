// Which cells are selected: an anchor, where it began, and a focus, to where it reaches. Keys and mouse move them.
import { place } from './grid.js';

const $ = (id) => document.getElementById(id);

export class Selection {
  constructor(grid, moved) {
    this.grid = grid;
    this.moved = moved;
    this.anchor = { row: 0, column: 0 };
    this.focus = { row: 0, column: 0 };
    grid.viewport.addEventListener('mousedown', (event) => this.press(event));
    grid.viewport.addEventListener('mousemove', (event) => this.drag(event));
  }

  get tab() { return this.grid.cells.tab; }

  /** The rectangle, half open. */
  get area() {
    const { anchor, focus } = this;
    return {
      top: Math.min(anchor.row, focus.row),
      left: Math.min(anchor.column, focus.column),
      bottom: Math.max(anchor.row, focus.row) + 1,
      right: Math.max(anchor.column, focus.column) + 1,
    };
  }

  clamp({ row, column }) {
    return {
      row: Math.max(0, Math.min(row, this.tab.rows - 1)),
      column: Math.max(0, Math.min(column, this.tab.columns - 1)),
    };
  }

  select(anchor, focus = anchor, reveal = true) {
    this.anchor = this.clamp(anchor);
    this.focus = this.clamp(focus);
    if (reveal) this.grid.reveal(this.focus.row, this.focus.column);
    this.show();
    this.moved();
  }

  step(rows, columns, extend = false) {
    const from = extend ? this.focus : this.anchor;
    const to = { row: from.row + rows, column: from.column + columns };
    this.select(extend ? this.anchor : to, to);
  }

  show() {
    const { area } = this;
    const put = (node, box) => Object.assign(node.style, {
      transform: `translate(${box.x}px, ${box.y}px)`, width: `${box.width}px`, height: `${box.height}px`,
    });
    const cursor = { top: this.anchor.row, left: this.anchor.column, bottom: this.anchor.row + 1, right: this.anchor.column + 1 };
    put($('selection'), this.grid.box(area));
    put($('cursor'), this.grid.box(cursor));
    $('selection').hidden = area.bottom - area.top === 1 && area.right - area.left === 1;
    $('place').textContent = place(this.anchor.row, this.anchor.column);
    for (const layer of ['selection', 'cursor']) $(layer).classList.toggle('over-frozen', area.top < this.tab.frozenRows);
  }

  press(event) {
    const at = this.grid.at(event);
    if (!at || event.target.id === 'editor') return;
    const inside = (row, column) => row >= this.area.top && row < this.area.bottom && column >= this.area.left && column < this.area.right;
    if (event.button === 2 && inside(Math.max(at.row, this.area.top), Math.max(at.column, this.area.left))) return;
    const last = { row: this.tab.rows - 1, column: this.tab.columns - 1 };
    const first = { row: Math.max(at.row, 0), column: Math.max(at.column, 0) };
    const end = { row: at.row < 0 ? last.row : at.row, column: at.column < 0 ? last.column : at.column };
    this.select(event.shiftKey ? this.anchor : first, end, at.row >= 0 && at.column >= 0);
  }

  drag(event) {
    if ((event.buttons & 1) === 0 || event.target.id === 'editor') return;
    const at = this.grid.at(event);
    if (!at || at.row < 0 || at.column < 0) return;
    if (at.row !== this.focus.row || at.column !== this.focus.column) this.select(this.anchor, at, false);
  }
}
