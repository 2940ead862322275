// Typing into cells: the editor over a cell, the line above the grid, the keyboard and the clipboard.

const $ = (id) => document.getElementById(id);
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Edit {
  /** `does(action)` hands an action of the person to the emulator. */
  constructor(grid, selection, does) {
    Object.assign(this, { grid, selection, does, at: null });
    this.editor = $('editor');
    this.content = $('content');
    grid.viewport.addEventListener('keydown', (event) => this.key(event));
    grid.viewport.addEventListener('dblclick', (event) => { if (event.target.closest('.cell')) this.begin(); });
    grid.viewport.addEventListener('mousedown', (event) => { if (event.target !== this.editor) this.commit(); }, { capture: true });
    this.editor.addEventListener('keydown', (event) => this.keyInEditor(event));
    this.content.addEventListener('keydown', (event) => this.keyInContent(event));
    this.content.addEventListener('focus', () => this.commit());
    document.addEventListener('copy', (event) => this.copy(event));
    document.addEventListener('cut', (event) => { if (this.copy(event)) this.clear(); });
    document.addEventListener('paste', (event) => this.paste(event));
  }

  /** What stands in the line above the grid: the text that editing would begin with. */
  show() {
    if (document.activeElement !== this.content) this.content.value = this.text(this.selection.anchor);
  }

  text({ row, column }) {
    const cell = this.grid.cells.cell(row, column);
    return cell?.e ?? cell?.t ?? '';
  }

  begin(text) {
    this.at = { ...this.selection.anchor };
    this.selection.select(this.at);
    const box = this.grid.box({ top: this.at.row, left: this.at.column, bottom: this.at.row + 1, right: this.at.column + 1 });
    Object.assign(this.editor.style, { transform: `translate(${box.x}px, ${box.y}px)`, minWidth: `${box.width}px`, height: `${box.height}px` });
    this.before = this.text(this.at);
    this.editor.value = text ?? this.before;
    this.editor.hidden = false;
    this.editor.focus();
  }

  commit() {
    if (!this.at) return;
    const { row, column } = this.at;
    const text = this.editor.value;
    this.close();
    if (text !== this.before) this.does({ kind: 'type', row, column, text });
  }

  close() {
    this.at = null;
    this.editor.hidden = true;
    this.grid.viewport.focus({ preventScroll: true });
  }

  keyInEditor(event) {
    event.stopPropagation();
    const after = { Enter: [event.shiftKey ? -1 : 1, 0], Tab: [0, event.shiftKey ? -1 : 1] }[event.key];
    if (after) {
      event.preventDefault();
      this.commit();
      this.selection.step(...after);
    } else if (event.key === 'Escape') this.close();
  }

  keyInContent(event) {
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    const { row, column } = this.selection.anchor;
    const text = this.content.value;
    if (event.key === 'Enter' && text !== this.text({ row, column })) this.does({ kind: 'type', row, column, text });
    this.grid.viewport.focus({ preventScroll: true });
    if (event.key === 'Enter') this.selection.step(1, 0);
  }

  key(event) {
    const { selection } = this;
    const control = event.ctrlKey || event.metaKey;
    if (STEPS[event.key]) {
      const far = control ? 1e9 : 1;
      selection.step(...STEPS[event.key].map((step) => step * far), event.shiftKey);
    } else if (event.key === 'Enter' || event.key === 'F2') this.begin();
    else if (event.key === 'Tab') selection.step(0, event.shiftKey ? -1 : 1);
    else if (event.key === 'Delete' || event.key === 'Backspace') this.clear();
    else if (event.key === 'PageDown' || event.key === 'PageUp') selection.step(event.key === 'PageDown' ? 25 : -25, 0, event.shiftKey);
    else if (event.key === 'Home') selection.select({ row: control ? 0 : selection.anchor.row, column: 0 });
    else if (control && event.key === 'z') this.does({ kind: 'undo' });
    else if (control && event.key === 'a') selection.select({ row: 0, column: 0 }, { row: 1e9, column: 1e9 }, false);
    else if (event.key.length === 1 && !control && !event.altKey) this.begin(event.key);
    else return;
    event.preventDefault();
  }

  clear() { this.does({ kind: 'clear', area: this.selection.area }); }

  get elsewhere() { return document.activeElement !== this.grid.viewport && document.activeElement !== document.body; }

  copy(event) {
    if (this.elsewhere) return false;
    const { top, left, bottom, right } = this.selection.area;
    const lines = [];
    for (let row = top; row < Math.min(bottom, top + 5000); row++) {
      const line = [];
      for (let column = left; column < right; column++) line.push(quoted(this.grid.cells.cell(row, column)?.t ?? ''));
      lines.push(line.join('\t'));
    }
    event.clipboardData.setData('text/plain', lines.join('\n'));
    event.preventDefault();
    return true;
  }

  paste(event) {
    if (this.elsewhere) return;
    event.preventDefault();
    const cells = block(event.clipboardData.getData('text/plain'));
    if (cells.length === 0) return;
    const { top: row, left: column } = this.selection.area;
    this.does({ kind: 'paste_block', row, column, cells });
    const width = Math.max(...cells.map((line) => line.length));
    this.selection.select({ row, column }, { row: row + cells.length - 1, column: column + width - 1 });
  }
}

const quoted = (text) => (/[\t\n"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Rows of texts from what spreadsheet programs put on the clipboard: tabs, line ends, quotes around either. */
export function block(text) {
  const rows = [[]];
  const rest = text.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  if (rest === '') return [];
  for (const [, inQuotes, bare, end] of rest.matchAll(/(?:"((?:[^"]|"")*)"|([^\t\n]*))(\t|\n|$)/g)) {
    rows[rows.length - 1].push(inQuotes === undefined ? bare : inQuotes.replaceAll('""', '"'));
    if (end === '\n') rows.push([]);
    if (end === '') break;
  }
  return rows;
}
