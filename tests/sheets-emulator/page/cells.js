// What is known of a tab's cells: blocks of rows, fetched when they come into view and again when they change.

const BLOCK = 200;

export class Cells {
  /** `changed(flashes)` is called when something new is known; `flashes` maps 'row:column' to who changed it. */
  constructor(google, changed) {
    this.google = google;
    this.changed = changed;
    this.show({ id: 0, rows: 0, columns: 0, frozenRows: 0, widths: {} });
  }

  show(tab) {
    this.tab = tab;
    this.blocks = new Map();
  }

  cell(row, column) { return this.row(row)?.[column] ?? null; }

  row(row) { return this.blocks.get(Math.floor(row / BLOCK))?.rows?.[row % BLOCK]; }

  /** Makes sure that rows [from, to) are known or on their way. */
  want(from, to) {
    for (let block = Math.floor(from / BLOCK); block * BLOCK < Math.min(to, this.tab.rows); block++) {
      const known = this.blocks.get(block);
      if (!known || (known.stale && !known.loading)) this.load(block, known?.by);
    }
  }

  /** Rows [from, to) changed: what is in view is asked for again, the rest when it is looked at. */
  stale(from, to, by) {
    for (const [number, block] of this.blocks) {
      if (number * BLOCK < to && (number + 1) * BLOCK > from) Object.assign(block, { stale: true, by });
    }
    this.changed(new Map());
  }

  async load(number, by) {
    const tab = this.tab;
    const before = this.blocks.get(number);
    const block = { rows: before?.rows, loading: true, stale: false, by: undefined };
    this.blocks.set(number, block);
    try {
      const answer = await this.google.rows(tab.id, number * BLOCK, (number + 1) * BLOCK);
      if (this.tab.id !== tab.id || this.blocks.get(number) !== block) return;
      const flashes = by && before?.rows ? differing(before.rows, answer.rows, number * BLOCK, by) : new Map();
      block.rows = answer.rows;
      block.loading = false;
      this.changed(flashes);
    } catch (failure) {
      block.loading = false;
      block.stale = true;
      throw failure;
    }
  }
}

/**
 * Which cells differ, by content rather than by place: a row that only moved does not flash. Rows that are new are
 * compared with the old row that has the same first cell, as a table's key usually stands there.
 */
function differing(old, now, offset, by) {
  const texts = (row) => JSON.stringify((row ?? []).map((cell) => cell?.t ?? ''));
  const had = new Set(old.map(texts));
  const byKey = new Map(old.filter((row) => row?.[0]?.t).map((row) => [row[0].t, row]));
  const flashes = new Map();
  now.forEach((row, index) => {
    if (had.has(texts(row))) return;
    const before = byKey.get(row?.[0]?.t) ?? old[index] ?? [];
    for (let column = 0; column < Math.max(row?.length ?? 0, before.length); column++) {
      if ((row?.[column]?.t ?? '') !== (before[column]?.t ?? '')) flashes.set(`${offset + index}:${column}`, by);
    }
  });
  return flashes;
}
