// SpreadsheetApp: Spreadsheet, Sheet, Range and User over the emulator's grid. Methods that are not here do not exist,
// so a script that calls them fails with a TypeError, as it does when it misspells one.
(function (google) {
  const sheets = (call, more) => google.host('sheets', { call, ...more });
  const letters = (column) => (column > 0 ? letters(Math.floor((column - 1) / 26)) + String.fromCharCode(65 + ((column - 1) % 26)) : '');
  const revive = (rows) => rows.map((row) => row.map((value) => (value && value.date !== undefined ? new Date(value.date) : value)));
  const plain = (value) => (value instanceof Date ? { date: value.getTime() } : value === undefined ? null : value);

  class User {
    constructor(email) { this.email = email; }
    getEmail() { return this.email; }
    getUserLoginId() { return this.email; }
    toString() { return this.email; }
  }

  class Range {
    constructor(sheet, area) {
      this.sheet = sheet;
      this.area = area;
    }
    // Apps Script serialises an event's range like this.
    toJSON() {
      const { row, column, rows, columns } = this.area;
      return { columnEnd: column + columns - 1, columnStart: column, rowEnd: row + rows - 1, rowStart: row };
    }
    ask(call, more) { return sheets(call, { sheet: this.sheet.id, area: this.area, ...more }); }
    block(rows, what) {
      if (rows.length !== this.area.rows || rows.some((row) => row.length !== this.area.columns)) {
        throw new Error(`The number of rows or columns in the ${what} does not match the range: it has ${this.area.rows} by ${this.area.columns}.`);
      }
      return rows;
    }
    getSheet() { return this.sheet; }
    getGridId() { return this.sheet.id; }
    getRow() { return this.area.row; }
    getRowIndex() { return this.area.row; }
    getColumn() { return this.area.column; }
    getLastRow() { return this.area.row + this.area.rows - 1; }
    getLastColumn() { return this.area.column + this.area.columns - 1; }
    getNumRows() { return this.area.rows; }
    getNumColumns() { return this.area.columns; }
    getHeight() { return this.area.rows; }
    getWidth() { return this.area.columns; }
    getA1Notation() {
      const first = `${letters(this.area.column)}${this.area.row}`;
      const last = `${letters(this.getLastColumn())}${this.getLastRow()}`;
      return first === last ? first : `${first}:${last}`;
    }
    getCell(row, column) { return this.sheet.getRange(this.area.row + row - 1, this.area.column + column - 1); }
    offset(rows, columns, height = this.area.rows, width = this.area.columns) {
      return this.sheet.getRange(this.area.row + rows, this.area.column + columns, height, width);
    }
    getValues() { return revive(this.ask('values')); }
    getValue() { return this.getCell(1, 1).getValues()[0][0]; }
    getDisplayValues() { return this.ask('displayValues'); }
    getDisplayValue() { return this.getCell(1, 1).getDisplayValues()[0][0]; }
    getFormulas() { return this.ask('formulas'); }
    getFormula() { return this.getCell(1, 1).getFormulas()[0][0]; }
    getNotes() { return this.ask('notes'); }
    getNote() { return this.getCell(1, 1).getNotes()[0][0]; }
    setValues(rows) {
      this.ask('setValues', { values: this.block(rows, 'data').map((row) => row.map(plain)) });
      return this;
    }
    setValue(value) { return this.setValues(Array.from({ length: this.area.rows }, () => Array(this.area.columns).fill(value))); }
    clearContent() { return this.setValue(''); }
    setNotes(rows) {
      this.ask('setNotes', { notes: this.block(rows, 'notes').map((row) => row.map((note) => String(note ?? ''))) });
      return this;
    }
    setNote(note) { return this.setNotes(Array.from({ length: this.area.rows }, () => Array(this.area.columns).fill(note))); }
    clearNote() { return this.setNote(''); }
  }

  class Sheet {
    constructor(id) { this.id = id; }
    facts() { return sheets('sheet', { sheet: this.id }); }
    getSheetId() { return this.id; }
    getName() { return this.facts().title; }
    getSheetName() { return this.getName(); }
    getIndex() { return this.facts().index + 1; }
    getParent() { return getActive(); }
    getLastRow() { return this.facts().lastRow; }
    getLastColumn() { return this.facts().lastColumn; }
    getMaxRows() { return this.facts().maxRows; }
    getMaxColumns() { return this.facts().maxColumns; }
    getDataRange() {
      const { lastRow, lastColumn } = this.facts();
      return this.getRange(1, 1, Math.max(lastRow, 1), Math.max(lastColumn, 1));
    }
    getRange(row, column, rows = 1, columns = 1) {
      if (typeof row === 'string') return new Range(this, sheets('a1', { sheet: this.id, text: row }));
      const { maxRows, maxColumns } = this.facts();
      if (rows < 1) throw new Error('The number of rows in the range must be at least 1.');
      if (columns < 1) throw new Error('The number of columns in the range must be at least 1.');
      if (row < 1) throw new Error('The starting row of the range is too small.');
      if (column < 1) throw new Error('The starting column of the range is too small.');
      if (row + rows - 1 > maxRows || column + columns - 1 > maxColumns) {
        throw new Error('The coordinates of the range are outside the dimensions of the sheet.');
      }
      return new Range(this, { row, column, rows, columns });
    }
    appendRow(values) {
      this.getRange(this.getLastRow() + 1, 1, 1, values.length).setValues([values]);
      return this;
    }
  }

  class Spreadsheet {
    getId() { return google.facts.spreadsheetId; }
    getName() { return sheets('spreadsheet').title; }
    getUrl() { return `https://docs.google.com/spreadsheets/d/${this.getId()}/edit`; }
    getSpreadsheetTimeZone() { return sheets('spreadsheet').timeZone; }
    getSpreadsheetLocale() { return sheets('spreadsheet').locale; }
    getSheets() { return sheets('spreadsheet').sheets.map((id) => new Sheet(id)); }
    getNumSheets() { return this.getSheets().length; }
    getSheetByName(name) { return this.getSheets().find((sheet) => sheet.getName() === name) ?? null; }
    getSheetById(id) { return this.getSheets().find((sheet) => sheet.getSheetId() === id) ?? null; }
    getActiveSheet() {
      const sheets = this.getSheets();
      return sheets.find((sheet) => sheet.getSheetId() === google.facts.activeSheet) ?? sheets[0];
    }
    getRange(text) {
      const cut = text.lastIndexOf('!');
      if (cut < 0) return this.getActiveSheet().getRange(text);
      const sheet = this.getSheetByName(text.slice(0, cut).replace(/^'|'$/g, '').replace(/''/g, "'"));
      if (!sheet) throw new Error('Range not found');
      return sheet.getRange(text.slice(cut + 1));
    }
    toast(message, title = '', seconds = 5) {
      google.host('ui', { call: 'toast', title: String(title ?? ''), text: String(message), seconds });
    }
  }

  function getActive() { return new Spreadsheet(); }

  google.User = User;
  google.sheet = (id) => new Sheet(id);
  google.range = (id, area) => new Range(new Sheet(id), area);
  google.spreadsheet = getActive;
  globalThis.SpreadsheetApp = {
    getActive,
    getActiveSpreadsheet: getActive,
    getActiveSheet: () => getActive().getActiveSheet(),
    openById(id) {
      if (id !== google.facts.spreadsheetId) throw new Error('You do not have permission to access the requested document.');
      return getActive();
    },
    flush() {},
    getUi: () => google.ui(),
  };
})(__google);
