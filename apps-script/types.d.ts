// Types of Code.js, for checking only: nothing here is shipped to Google.

/** Where a tab's edits go. */
type Link = { spreadsheet: string; endpoint: string; name: string; secret: string };

/** How sending goes: tries in a row, no try before `until`, why it stopped, when it last worked, what went wrong. */
type State = { tries: number; until: number; stopped: string; sent: string; trouble: string };

/** Cells, counted from 1, ends included. */
type Area = { row_start: number; row_end: number; column_start: number; column_end: number };

/** One edit or change, as the endpoint takes it. */
type Edit = {
  id: string;
  kind: 'edit' | 'change';
  range?: Area;
  header?: string[];
  rows?: { row: number; cells: string[] }[];
  value?: string;
  old_value?: string;
  change?: string;
  editor?: string;
  at: string;
  zone: string;
};

/** What the endpoint decided about one row of an edit. */
type Verdict = { row?: number; outcome: string; column?: string; message?: string };

/** What the endpoint decided about one edit, and about each of its rows where it has several. */
type Answer = Verdict & { id: string; rows?: Verdict[] };

/** Every property of the document, from one read. */
type Stored = { [key: string]: string };

type Sheet = GoogleAppsScript.Spreadsheet.Sheet;
