// The grid on the screen: only the rows in view exist, and they are used again while scrolling.

export const ROW = 25;
const HEAD = 46;
const WIDTH = 108;
const FITTED = { least: 72, most: 240, rows: 100 };
const ruler = new OffscreenCanvas(1, 1).getContext('2d');
const SPARE = 6;

export const letters = (column) => (column < 26 ? '' : letters(Math.floor(column / 26) - 1)) + String.fromCharCode(65 + (column % 26));
export const place = (row, column) => `${letters(column)}${row + 1}`;
const $ = (id) => document.getElementById(id);
const element = (parent, name) => {
  const made = document.createElement('div');
  made.className = name;
  parent.append(made);
  return made;
};

export class Grid {
  constructor(cells) {
    this.cells = cells;
    this.viewport = $('viewport');
    this.pool = new Map();
    this.frozen = new Map();
    this.marks = new Map();
    this.waiting = false;
    this.viewport.addEventListener('scroll', () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.viewport);
  }

  /** Builds everything anew: another tab, or other columns. */
  rebuild() {
    const { columns, frozenRows, widths } = this.cells.tab;
    this.fitted = this.cells.row(0) !== undefined;
    this.left = [HEAD];
    for (let column = 0; column < columns; column++) this.left.push(this.left[column] + (widths[column] ?? this.fit(column)));
    for (const drawn of [...this.pool.values(), ...this.frozen.values()]) this.drop(drawn);
    this.pool.clear();
    this.frozen.clear();
    this.marks.clear();
    $('canvas').style.width = `${this.left[columns]}px`;
    $('frozen').style.height = `${frozenRows * ROW}px`;
    $('canvas').style.setProperty('--frozen', `${frozenRows * ROW}px`);
    $('frozen').classList.toggle('present', frozenRows > 0);
    this.names = Array.from({ length: columns }, (_, column) => letters(column));
    $('columns').replaceChildren();
    element($('columns'), 'corner');
    for (let column = 0; column < columns; column++) {
      const head = element($('columns'), 'column-head');
      head.textContent = this.names[column];
      head.dataset.column = column;
      head.style.width = `${this.left[column + 1] - this.left[column]}px`;
    }
    this.paint();
  }

  /** A width for a column that nobody has set one for: what its first rows need. */
  fit(column) {
    ruler.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
    let widest = 0;
    for (let row = 0; row < FITTED.rows; row++) widest = Math.max(widest, ruler.measureText(this.cells.cell(row, column)?.t ?? '').width);
    return widest === 0 ? WIDTH : Math.min(Math.max(Math.ceil(widest) + 22, FITTED.least), FITTED.most);
  }

  /** Draws at the next frame, however often it is asked for until then. */
  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  flash(flashes) {
    const until = performance.now() + 1600;
    for (const [key, by] of flashes) this.marks.set(key, { by, until });
    if (flashes.size > 0) setTimeout(() => this.unmark(), 1700);
    this.draw();
  }

  unmark() {
    for (const [key, mark] of this.marks) if (mark.until < performance.now()) this.marks.delete(key);
  }

  paint() {
    const { rows, frozenRows } = this.cells.tab;
    if (!this.fitted && this.cells.row(0)) return this.rebuild();
    $('canvas').style.height = `${(rows + 1) * ROW}px`;
    const top = Math.max(Math.floor(this.viewport.scrollTop / ROW) - SPARE, frozenRows);
    const end = Math.min(Math.ceil((this.viewport.scrollTop + this.viewport.clientHeight) / ROW) + SPARE, rows);
    this.cells.want(0, frozenRows);
    this.cells.want(top, end);
    for (let row = 0; row < frozenRows; row++) {
      if (!this.frozen.has(row)) this.frozen.set(row, this.makeRow($('frozen'), $('frozen-heads')));
      this.fill(this.frozen.get(row), row, row * ROW);
    }
    const free = [...this.pool.keys()].filter((row) => row < top || row >= end);
    for (let row = top; row < end; row++) {
      let drawn = this.pool.get(row);
      if (!drawn) {
        const old = free.pop();
        drawn = old === undefined ? this.makeRow($('rows'), $('heads')) : this.pool.get(old);
        this.pool.delete(old);
        this.pool.set(row, drawn);
      }
      this.fill(drawn, row, (row + 1) * ROW);
    }
    for (const row of free) {
      this.drop(this.pool.get(row));
      this.pool.delete(row);
    }
  }

  drop({ node, head }) {
    node.remove();
    head.remove();
  }

  // Heads have a parent of their own: one layer that stays at the left, where one in each row would cost a layer each.
  makeRow(parent, heads) {
    const node = element(parent, 'row');
    node.style.width = `${this.left[this.left.length - 1]}px`;
    const head = element(heads, 'row-head');
    const cells = [];
    for (let column = 0; column < this.cells.tab.columns; column++) {
      const cell = element(node, 'cell');
      cell.style.left = `${this.left[column]}px`;
      cell.style.width = `${this.left[column + 1] - this.left[column]}px`;
      cells.push({ node: cell, text: cell.appendChild(new Text('')), shown: null, name: 'cell', style: undefined, mark: undefined });
    }
    return { node, head, cells, row: -1, source: undefined };
  }

  fill(drawn, row, y) {
    const source = this.cells.row(row);
    const moved = drawn.row !== row;
    if (!moved && drawn.source === source && this.marks.size === 0) return;
    if (moved) {
      drawn.row = row;
      drawn.node.setAttribute('data-row', row + 1);
      drawn.node.style.transform = drawn.head.style.transform = `translateY(${y}px)`;
      drawn.head.textContent = row + 1;
    }
    drawn.source = source;
    for (let column = 0; column < drawn.cells.length; column++) {
      const cell = drawn.cells[column];
      if (moved) cell.node.setAttribute('data-cell', this.names[column] + (row + 1));
      this.fillCell(cell, source?.[column] ?? null);
      if (this.marks.size > 0 || cell.mark) this.mark(cell, `${row}:${column}`, moved);
    }
  }

  // Scrolling must stay smooth: the page's tree is touched only where something differs.
  fillCell(cell, value) {
    if (cell.shown === value) return;
    cell.shown = value;
    const text = value?.t ?? '';
    if (cell.text.data !== text) cell.text.data = text;
    const name = value ? `cell ${value.k ?? ''}${value.n ? ' noted' : ''}` : 'cell';
    if (cell.name !== name || cell.mark) cell.node.className = cell.name = name;
    cell.mark = undefined;
    if (cell.style === undefined && value?.s === undefined) return;
    const style = cell.style = value?.s;
    Object.assign(cell.node.style, {
      fontWeight: style?.bold ? '600' : '',
      fontStyle: style?.italic ? 'italic' : '',
      textDecoration: style?.strike ? 'line-through' : '',
      textAlign: style?.align?.toLowerCase() ?? '',
      background: style?.fill ?? '',
      color: style?.ink ?? '',
    });
  }

  mark(cell, key, moved) {
    const by = this.marks.get(key)?.by;
    if (cell.mark === by && !moved) return;
    cell.mark = by;
    cell.node.classList.toggle('flash-api', by === 'api');
    cell.node.classList.toggle('flash-other', by === 'other');
  }

  /** Pixels of a rectangle of cells inside the canvas; frozen rows stand still while the rest scrolls under them. */
  box({ top, left, bottom, right }) {
    const scrolled = top < this.cells.tab.frozenRows ? this.viewport.scrollTop : 0;
    const y = (top + 1) * ROW + scrolled;
    return { x: this.left[left], y, width: this.left[right] - this.left[left], height: Math.max((bottom + 1) * ROW - y, ROW) };
  }

  /** Scrolls just as far as a cell needs to be seen. */
  reveal(row, column) {
    const { frozenRows } = this.cells.tab;
    const view = this.viewport;
    const head = (frozenRows + 1) * ROW;
    if (row >= frozenRows) {
      const y = (row + 1) * ROW;
      if (y < view.scrollTop + head) view.scrollTop = y - head;
      else if (y + ROW > view.scrollTop + view.clientHeight) view.scrollTop = y + ROW - view.clientHeight;
    }
    if (this.left[column] < view.scrollLeft + HEAD) view.scrollLeft = this.left[column] - HEAD;
    else if (this.left[column + 1] > view.scrollLeft + view.clientWidth) view.scrollLeft = this.left[column + 1] - view.clientWidth;
  }

  /** The cell under a mouse event: {row, column}, with -1 for a head; null outside. */
  at(event) {
    const cell = event.target.closest('.cell, .row-head, .column-head');
    if (!cell) return null;
    if (cell.matches('.column-head')) return { row: -1, column: Number(cell.dataset.column) };
    if (cell.matches('.row-head')) return { row: Number(cell.textContent) - 1, column: -1 };
    return { row: Number(cell.parentElement.dataset.row) - 1, column: [...cell.parentElement.children].indexOf(cell) };
  }
}
